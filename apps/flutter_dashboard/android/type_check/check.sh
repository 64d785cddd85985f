#!/usr/bin/env bash
# check.sh - does the app's Kotlin compile? Without Android's SDK and Gradle: against Android 14's own classes from Maven
# Central, and stubs/ in place of Flutter's and Firebase's, which are not there. Needs Java 17 and Maven; 200 MB once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../build/kotlin
mkdir -p "$out"
[ -e "$out/complete" ] || {
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$(realpath "$out")/jars"
  touch "$out/complete"
}
compiler=$(find "$out/jars" -name '*.jar' ! -name 'android-all*' | paste -sd:)
library=$(find "$out/jars" -name 'android-all*' -o -name 'kotlin-stdlib*' | paste -sd:)
java -cp "$compiler" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -Werror -nowarn \
  -cp "$library" -d "$out/classes" "$here/stubs" "$here/../app/src/main/kotlin"
echo "the app's Kotlin compiles"
