#!/usr/bin/env bash
# flutter-debian.sh - analyze, test and run a Flutter app with Debian sid's Flutter packages in a
# chroot: no `flutter` CLI, no pub.dev, no Google downloads. Needs root, debootstrap, python3-pip.
#
#   flutter-debian.sh setup [ROOT]                      create/complete the chroot (idempotent)
#   flutter-debian.sh analyze APPDIR [dart analyze options]
#   flutter-debian.sh format APPDIR [dart format options]
#   flutter-debian.sh test APPDIR [--name REGEX] [-v] [FILES...]
#   flutter-debian.sh goldens APPDIR [FILES...]         rewrite golden images
#   flutter-debian.sh build-linux APPDIR OUTDIR         release (AOT) bundle for Linux desktop
#   flutter-debian.sh screenshot BUNDLE OUT.png [SECONDS] [XDOTOOL COMMAND [-- XDOTOOL COMMAND]...]
#       e.g. ... shot.png 2 mousemove 640 372 click 1 -- type demo -- key Return
#   flutter-debian.sh shell [APPDIR]                    a shell in the chroot
#
# Environment: FD_ROOT (chroot, default: the last `setup ROOT`, else /var/tmp/flutter-debian),
#   FD_JOBS (testers at a time, 2), FD_TIMEOUT (seconds a test file may take, 300),
#   FD_DEFINES ("A=1 B=2": String.fromEnvironment values), FD_BIND (more host dirs to show, a:b),
#   FD_ENV (names of variables to pass on to tests/the app), FD_ARGS (arguments of the app),
#   FD_SCREEN (1280x800), FD_INCREMENTAL=0 (always compile tests in full),
#   FD_ISOLATE=0 (run all test files in one process instead of one each).
#
# Mounts live in a private mount+pid namespace: nothing stays mounted or running afterwards.
# Everything generated goes to APPDIR/build/debian/; .dart_tool/ is neither read nor written.
set -euo pipefail

STATE="${XDG_CACHE_HOME:-$HOME/.cache}/flutter-debian.root"
ROOT="${FD_ROOT:-$(cat "$STATE" 2>/dev/null || echo /var/tmp/flutter-debian)}"
STAMP=2   # raise when the package list below changes
PKGS=(flutter flutter-test flutter-tester flutter-goldens flutter-localizations
  flutter-web-plugins flutter-patched-sdk flutter-engine-tools flutter-engine-font-subset
  libflutter-linux-gtk libflutter-linux-gtk-dev dart-sdk dart-intl dart-fake-async dart-clock
  dart-matcher dart-test-api dart-stream-channel dart-leak-tracker-flutter-testing
  dart-leak-tracker-testing dart-crypto dart-collection dart-async
  gcc libc6-dev pkgconf libgtk-3-dev libegl1 libegl-mesa0 libgles2 libgl1-mesa-dri
  fonts-roboto-unhinted fonts-dejavu-core python3-yaml xvfb imagemagick xdotool)

die() { echo "flutter-debian: $*" >&2; exit 2; }
say() { echo "== $*" >&2; }
nohost() { sed -E 's#(https?://)[^/ ]+#\1MIRROR#g'; }   # keep the mirror's name out of logs

mirror() {   # this machine's own Debian mirror, from apt's configuration
  local m code
  code=$(. /etc/os-release; echo "${VERSION_CODENAME:-bookworm}")
  m=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $code" 2>/dev/null | head -n1)
  [ -n "$m" ] || m=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
    sed -nE 's/^(URIs:|deb( \[[^]]*\])?) +([a-z]+:[^ ]+\/debian\/?)( .*)?$/\3/p' | head -n1)
  [ -n "$m" ] || die "no Debian mirror found in apt's configuration"
  echo "$m"
}

# enter DIR... -- COMMAND...: run COMMAND in the chroot, each DIR visible at its own path
enter() {
  local binds=""
  while [ "$1" != -- ]; do binds+="$1"$'\n'; shift; done; shift
  local pass=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TZ="${TZ:-UTC}"
    TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive) v
  for v in ${!FD_@} CI ${FD_ENV:-}; do [ -z "${!v+x}" ] || pass+=("$v=${!v}"); done
  local child rc=0
  # unshare ignores TERM and INT while its child runs, so it must be KILLed when this script is stopped
  # (trap) or dies (pdeathsig); then the kernel ends the namespace's first process and all inside
  BINDS="$binds" setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --propagation private \
    bash -c 'set -euo pipefail; root=$1; cwd=$PWD; shift
      mkdir -p "$root/proc" "$root/dev"
      mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
      while IFS= read -r d; do
        [ -n "$d" ] || continue
        mkdir -p "$root$d"; mount --bind "$d" "$root$d"
      done <<<"$BINDS"
      unset BINDS
      exec chroot "$root" /usr/bin/env -i "$@"' fd "$ROOT" "${pass[@]}" "$@" <&0 &
  child=$!
  trap 'kill -KILL $child 2>/dev/null || true; exit 143' TERM INT HUP
  wait "$child" || rc=$?
  trap - TERM INT HUP
  return "$rc"
}

save_root() { mkdir -p "$(dirname "$STATE")"; echo "$ROOT" >"$STATE"; }

cmd_setup() {
  [ "$(id -u)" = 0 ] || die "setup needs root"
  if [ $# -gt 0 ]; then mkdir -p "$1"; ROOT=$(realpath "$1"); fi
  local t0=$SECONDS log="$ROOT/var/log/flutter-debian.log"
  if [ "$(cat "$ROOT/opt/fd/stamp" 2>/dev/null)" = "$STAMP" ]; then save_root; say "ready: $ROOT"; return; fi
  if [ ! -e "$ROOT/opt/fd/base" ]; then
    command -v debootstrap >/dev/null || { apt-get update -q && apt-get install -y -q debootstrap; } >&2
    [ ! -e "$ROOT/etc/debian_version" ] || say "completing an existing chroot"
    if [ ! -e "$ROOT/etc/debian_version" ]; then
      say "debootstrap sid -> $ROOT"
      debootstrap --variant=minbase --include=ca-certificates sid "$ROOT" "$(mirror)" 2>&1 | nohost \
        >"$ROOT.debootstrap.log" || { tail -n 20 "$ROOT.debootstrap.log" >&2; die "debootstrap failed"; }
      mv "$ROOT.debootstrap.log" "$ROOT/var/log/debootstrap-fd.log"
    fi
    mkdir -p "$ROOT/opt/fd"; touch "$ROOT/opt/fd/base"
    say "base ready after $((SECONDS - t0)) s"
  fi
  printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"; chmod +x "$ROOT/usr/sbin/policy-rc.d"
  say "installing packages"
  # debootstrap left verified package lists, so no `apt-get update` is needed (a mirror whose sid
  # snapshot is old makes it fail with "Release file is expired"); only if that fails try one.
  local inst=(apt-get install -y -q --no-install-recommends "${PKGS[@]}")
  (enter -- "${inst[@]}") 2>&1 | nohost >"$log" ||
    { (enter -- sh -c 'apt-get update -q && exec "$@"' sh "${inst[@]}") 2>&1 | nohost >>"$log"; } ||
    { grep -E '^(E|W):' "$log" >&2; die "apt failed: see $log (if the lists are stale: remove $ROOT and run setup again)"; }
  rm -f "$ROOT"/var/cache/apt/archives/*.deb
  say "packages ready after $((SECONDS - t0)) s"
  if [ ! -e "$ROOT/opt/fd/fonts/MaterialIcons-Regular.otf" ]; then
    local w; w=$(mktemp -d)
    python3 -m pip download -q --no-deps -d "$w" flet-web >&2 || die "pip download flet-web failed (icon fonts)"
    python3 - "$w" "$ROOT/opt/fd/fonts" <<'PY'
import glob, os, sys, zipfile
src, out = sys.argv[1:]; os.makedirs(out, exist_ok=True)
z = zipfile.ZipFile(glob.glob(src + '/flet_web*.whl')[0])
for n in z.namelist():
    if os.path.basename(n) in ('MaterialIcons-Regular.otf', 'CupertinoIcons.ttf'):
        open(os.path.join(out, os.path.basename(n)), 'wb').write(z.read(n))
PY
    rm -rf "$w"
    [ -e "$ROOT/opt/fd/fonts/MaterialIcons-Regular.otf" ] || die "no MaterialIcons in flet-web"
  fi
  (enter -- fc-cache) || true
  echo "$STAMP" >"$ROOT/opt/fd/stamp"
  save_root
  say "ready: $ROOT ($((SECONDS - t0)) s)"
}

need_root() {
  [ "$(id -u)" = 0 ] || die "needs root (mount namespace, chroot)"
  [ "$(cat "$ROOT/opt/fd/stamp" 2>/dev/null)" = "$STAMP" ] || die "no chroot at $ROOT: run '$0 setup'"
  # replaced atomically: two runs at once are fine
  helper >"$ROOT/opt/fd/fd.py.$$"; mv "$ROOT/opt/fd/fd.py.$$" "$ROOT/opt/fd/fd.py"
}

app() {   # app SUBCOMMAND APPDIR ARGS...: what is bound is the git work tree around APPDIR, or APPDIR
  local sub=$1 dir top d; [ $# -ge 2 ] || die "$sub: which APPDIR?"
  dir=$(realpath "$2"); shift 2
  [ -f "$dir/pubspec.yaml" ] || die "$dir has no pubspec.yaml"
  need_root
  top=$(git -C "$dir" rev-parse --show-toplevel 2>/dev/null || true)
  local binds=("${top:-$dir}") extra=()
  IFS=: read -ra extra <<<"${FD_BIND:-}"
  for d in "${extra[@]}"; do binds+=("$(realpath "$d")"); done
  if [ "$sub" = build-linux ]; then
    [ $# -ge 1 ] || die "build-linux: which OUTDIR?"
    mkdir -p "$1"; set -- "$(realpath "$1")"; binds+=("$1")
  fi
  enter "${binds[@]}" -- python3 /opt/fd/fd.py "$sub" "$dir" "$@"
}

helper() { cat <<'__FD_PY__'
# Runs inside the chroot. Generates what the flutter CLI would, then calls the engine's tools.
import fcntl, glob, gzip, hashlib, json, os, re, shutil, struct, subprocess, sys, threading, time
import concurrent.futures as cf
import yaml

E = '/usr/lib/flutter-engine/linux-x64'
PK = '/usr/share/dart/packages'
DART = '/usr/lib/dart/bin'
FONTS = '/opt/fd/fonts'


def say(*a):
    print(*a, flush=True)


def die(msg, code=2):
    say('flutter-debian: ' + msg)
    sys.exit(code)


def write(path, data):
    """Writes only a change, so that timestamps mean something."""
    mode = 'b' if isinstance(data, bytes) else ''
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path, 'r' + mode) as f:
            if f.read() == data:
                return
    with open(path + '.new', 'w' + mode) as f:
        f.write(data)
    os.replace(path + '.new', path)


def pubspec(d):
    with open(d + '/pubspec.yaml') as f:
        return yaml.safe_load(f) or {}


def language(spec):
    m = re.search(r'(\d+)\.(\d+)', str((spec.get('environment') or {}).get('sdk', '3.0')))
    return '%s.%s' % m.groups()


class App:
    def __init__(self, d):
        self.dir = d
        self.spec = pubspec(d)
        self.name = self.spec['name']
        self.out = d + '/build/debian'
        os.makedirs(self.out, exist_ok=True)
        self.lock = open(self.out + '/lock', 'w')
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.pkgs = {}          # name -> (dir, spec)
        self.resolve()

    def resolve(self):
        for p in sorted(os.listdir(PK)):
            if os.path.exists(f'{PK}/{p}/pubspec.yaml'):
                self.pkgs[p] = (f'{PK}/{p}', pubspec(f'{PK}/{p}'))
        self.local = {}         # path dependencies, recursively
        missing = {}

        def walk(name, d, spec, dev):
            self.pkgs[name] = self.local[name] = (d, spec)
            deps = dict(spec.get('dependencies') or {})
            if dev:
                deps.update(spec.get('dev_dependencies') or {})
            over = (self.spec.get('dependency_overrides') or {})
            for n, v in {**deps, **{k: over[k] for k in over if k in deps}}.items():
                if n in self.local:
                    continue
                if isinstance(v, dict) and 'path' in v:
                    p = os.path.realpath(os.path.join(d, v['path']))
                    if os.path.exists(p + '/pubspec.yaml'):
                        walk(n, p, pubspec(p), False)
                    else:
                        missing[n] = f'path {v["path"]} of {name} not visible (FD_BIND?)'
                elif n not in self.pkgs:
                    missing[n] = f'wanted by {name}'
        walk(self.name, self.dir, self.spec, True)
        for n in ('flutter_lints', 'lints'):    # lint sets only: not needed to compile
            missing.pop(n, None)
        if missing:
            die('packages that Debian does not have and no path dependency gives: ' +
                ', '.join(f'{n} ({w})' for n, w in sorted(missing.items())))
        if (self.spec.get('flutter') or {}).get('generate'):
            say('note: "generate: true" (gen_l10n) needs the flutter CLI: check the generated Dart in')
        cfg = {'configVersion': 2, 'packages': [
            {'name': n, 'rootUri': 'file://' + d, 'packageUri': 'lib/', 'languageVersion': language(s)}
            for n, (d, s) in sorted(self.pkgs.items())]}
        self.config = self.out + '/package_config.json'
        write(self.config, json.dumps(cfg, indent=1) + '\n')

    # ---- assets ---------------------------------------------------------------------------
    def bundle(self, to):
        """What `flutter build bundle` makes of the pubspec's flutter: section."""
        fonts, assets, want, shaders = [], {}, {}, {}
        if (self.spec.get('flutter') or {}).get('uses-material-design'):
            fonts.append({'family': 'MaterialIcons', 'fonts': [{'asset': 'fonts/MaterialIcons-Regular.otf'}]})
            want['fonts/MaterialIcons-Regular.otf'] = FONTS + '/MaterialIcons-Regular.otf'
        for n, (d, s) in self.local.items():
            fl = s.get('flutter') or {}
            pre = '' if n == self.name else f'packages/{n}/'
            base = d if n == self.name else d + '/lib'

            def src(a):
                if a.startswith('packages/'):
                    _, q, rest = a.split('/', 2)
                    return f'{self.pkgs[q][0]}/lib/{rest}' if q in self.pkgs else None
                p = f'{d}/{a}'
                return p if os.path.exists(p) else f'{base}/{a}'
            for fam in fl.get('fonts') or []:
                files = []
                for f in fam['fonts']:
                    key = f['asset'] if f['asset'].startswith('packages/') else pre + f['asset']
                    p = src(f['asset'])
                    if key == 'packages/cupertino_icons/assets/CupertinoIcons.ttf':
                        p = FONTS + '/CupertinoIcons.ttf'
                    want[key] = p
                    files.append({**{k: v for k, v in f.items() if k != 'asset'}, 'asset': key})
                fonts.append({'family': (f'packages/{n}/' if pre else '') + fam['family'], 'fonts': files})
            for a in fl.get('assets') or []:
                a = a['path'] if isinstance(a, dict) else a
                p = src(a)
                names = [a]
                if a.endswith('/'):
                    names = [a + x for x in sorted(os.listdir(p)) if os.path.isfile(p + x)]
                for x in names:
                    key = x if x.startswith('packages/') else pre + x
                    px = src(x)
                    if not px or not os.path.isfile(px):
                        die(f'asset {x} of {n} does not exist')
                    want[key] = px
                    v = assets.setdefault(key, [{'asset': key}])
                    for q in sorted(glob.glob(glob.escape(os.path.dirname(px)) + '/[0-9]*x/' + glob.escape(os.path.basename(px)))):
                        r = os.path.basename(os.path.dirname(q))
                        k2 = f'{os.path.dirname(key)}/{r}/{os.path.basename(key)}'
                        v.append({'asset': k2, 'dpr': float(r[:-1])})
                        want[k2] = q
            for a in fl.get('shaders') or []:
                shaders[pre + a] = src(a)
        shaders['shaders/ink_sparkle.frag'] = f'{PK}/flutter/lib/src/material/shaders/ink_sparkle.frag'
        shaders['shaders/stretch_effect.frag'] = f'{PK}/flutter/lib/src/widgets/shaders/stretch_effect.frag'
        keep = set(want) | set(shaders)
        for k, p in want.items():
            t = f'{to}/{k}'
            if not os.path.exists(t) or os.stat(t).st_mtime_ns != os.stat(p).st_mtime_ns:
                os.makedirs(os.path.dirname(t), exist_ok=True)
                shutil.copy2(p, t)
        for k, p in shaders.items():
            self.shader(p, f'{to}/{k}')
        notices = ('-' * 80 + '\n').join(
            f'{n}\n\n' + open(c, errors='replace').read() for n in sorted(self.pkgs)
            for c in ['/usr/share/doc/dart-%s/copyright' % n.replace('_', '-')] if os.path.exists(c))
        for k, data in {'FontManifest.json': json.dumps(fonts, separators=(',', ':')),
                        'AssetManifest.bin': codec(assets),
                        'NativeAssetsManifest.json': '{"format-version":[1,0,0],"native-assets":{}}',
                        'NOTICES.Z': gzip.compress(notices.encode(), mtime=0)}.items():
            write(f'{to}/{k}', data)
            keep.add(k)
        for r, _, fs in os.walk(to):
            for f in fs:
                if os.path.relpath(f'{r}/{f}', to) not in keep:
                    os.remove(f'{r}/{f}')

    def shader(self, src, to):
        h = hashlib.sha1(open(src, 'rb').read()).hexdigest()
        c = f'/opt/fd/shaders/{h}.iplr'
        if not os.path.exists(c):
            os.makedirs(os.path.dirname(c), exist_ok=True)
            subprocess.run([E + '/impellerc', '--sksl', '--runtime-stage-gles', '--runtime-stage-gles3',
                            '--runtime-stage-vulkan', '--iplr', f'--sl={c}.new', f'--spirv={c}.spirv',
                            f'--input={src}', '--input-type=frag', f'--include={os.path.dirname(src)}',
                            f'--include={E}/shader_lib'], check=True)
            os.replace(c + '.new', c)
        if not os.path.exists(to) or os.stat(to).st_mtime_ns != os.stat(c).st_mtime_ns:
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy2(c, to)

    # ---- kernel ---------------------------------------------------------------------------
    def kernel(self, entry, dill, args, incremental=False):
        """frontend_server: skipped when no input changed; else from the last dill where that is safe."""
        dep, key = dill + '.d', dill + '.key'
        tag = json.dumps([entry, args, os.stat(E + '/frontend_server_aot.dart.snapshot').st_mtime_ns,
                          os.stat(self.config).st_mtime_ns])

        def stat(f):
            try:
                st = os.stat(f)
                return [st.st_mtime_ns, st.st_size]
            except OSError:
                return None
        init = []
        try:
            old = json.load(open(key))
            if old['tag'] == tag:
                changed = [f for f, was in old['inputs'].items() if stat(f) != was]
                if not changed:
                    return 0
                # the compiler itself invalidates by "newer than the dill": a file that changed any
                # other way (restored with an old time, removed) needs everything compiled anew
                if incremental and all((stat(f) or [0])[0] > os.stat(dill).st_mtime_ns for f in changed):
                    init = ['--initialize-from-dill', dill]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        t0 = time.time()
        if os.path.exists(dep):
            os.remove(dep)
        r = subprocess.run([DART + '/dartaotruntime', E + '/frontend_server_aot.dart.snapshot', *args,
                            '--target=flutter', '--packages=' + self.config, '--no-print-incremental-dependencies',
                            '--verbosity=error', *(['--incremental'] if incremental else []), *init,
                            '--depfile', dep, '--output-dill', dill + '.new', entry],
                           cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if r.returncode != 0 or re.search(r'^\S+: Error: ', r.stdout, re.M) or not os.path.exists(dill + '.new'):
            out = [l for l in r.stdout.splitlines() if not re.match(r'^(result )?[0-9a-f]{8}-[0-9a-f-]{27}|^[+-]', l)]
            say('\n'.join(out).replace('file://' + self.dir + '/', '').strip())
            if os.path.exists(dill + '.new'):
                os.remove(dill + '.new')
            return 1
        ins = open(dep).read().split(':', 1)[1].replace('\\ ', '\0').split()
        os.replace(dill + '.new', dill)
        os.utime(dill, (t0, t0))      # inputs written while it compiled count as newer
        inputs = {f: stat(f) for f in (i.replace('\0', ' ') for i in ins)}
        if any(v and v[0] > t0 * 1e9 for v in inputs.values()):
            inputs['changed while compiling'] = [0, 0]
        write(key, json.dumps({'tag': tag, 'inputs': inputs}))
        say(f"compiled {os.path.relpath(dill, self.dir)} in {time.time() - t0:.1f} s{' (incremental)' if init else ''}")
        return 0

    def defines(self):
        return ['-D' + d for d in os.environ.get('FD_DEFINES', '').split()]


def codec(value):
    """Flutter's StandardMessageCodec, for AssetManifest.bin."""
    b = bytearray()

    def size(n):
        b.extend(bytes([n]) if n < 254 else b'\xfe' + struct.pack('<H', n) if n < 65536 else b'\xff' + struct.pack('<I', n))

    def put(v):
        if isinstance(v, str):
            e = v.encode()
            b.append(7); size(len(e)); b.extend(e)
        elif isinstance(v, float):
            b.append(6); b.extend(b'\0' * (-len(b) % 8)); b.extend(struct.pack('<d', v))
        elif isinstance(v, list):
            b.append(12); size(len(v))
            for x in v:
                put(x)
        elif isinstance(v, dict):
            b.append(13); size(len(v))
            for k, x in v.items():
                put(k); put(x)
        else:
            raise TypeError(v)
    put(value)
    return bytes(b)


# ---- tests --------------------------------------------------------------------------------
MAIN = r'''// Generated by flutter-debian.sh: one kernel for all test files; FD_SUITE names the one to run.
// ignore_for_file: type=lint
import 'dart:async';
import 'dart:convert';
import 'dart:io';

import 'package:flutter_test/flutter_test.dart' show LocalFileComparator, autoUpdateGoldenFiles, goldenFileComparator;
import 'package:test_api/src/backend/declarer.dart';
import 'package:test_api/src/backend/group.dart';
import 'package:test_api/src/backend/group_entry.dart';
import 'package:test_api/src/backend/invoker.dart';
import 'package:test_api/src/backend/live_test.dart';
import 'package:test_api/src/backend/operating_system.dart';
import 'package:test_api/src/backend/runtime.dart';
import 'package:test_api/src/backend/suite.dart';
import 'package:test_api/src/backend/suite_platform.dart';
import 'package:test_api/src/backend/test.dart';

@IMPORTS@

final Map<String, FutureOr<void> Function()> suites = {
@SUITES@
};

final IOSink _out = File(Platform.environment['FD_RESULT']!).openWrite();
final RegExp? _name = Platform.environment['FD_NAME'] == null ? null : RegExp(Platform.environment['FD_NAME']!);
void _emit(Map<String, Object?> m) => _out.writeln(jsonEncode(m));

Future<void> main() async {
  final List<String> only = (jsonDecode(Platform.environment['FD_SUITES']!) as List).cast<String>();
  autoUpdateGoldenFiles = Platform.environment['FD_UPDATE_GOLDENS'] == '1';
  for (final String path in only) {
    goldenFileComparator = LocalFileComparator(File(path).absolute.uri);
    final Declarer declarer = Declarer();
    try {
      await declarer.declare(() async => await suites[path]!());
      final Suite suite = Suite(declarer.build(), SuitePlatform(Runtime.vm, os: OperatingSystem.linux), path: path);
      await Invoker.guard<Future<void>>(() => _group(suite, suite.group, []));
    } catch (e, s) {
      _emit({'suite': path, 'name': 'loading', 'result': 'failed', 'ms': 0, 'errors': ['$e\n$s'], 'log': []});
    }
  }
  _emit({'done': true});
  await _out.flush();
  await _out.close();
  exit(0); // the verdict is in the result file
}

bool _wanted(GroupEntry e) => _name == null || (e is Group ? e.entries.any(_wanted) : _name!.hasMatch(e.name));

Future<void> _group(Suite suite, Group group, List<Group> parents) async {
  if (!_wanted(group)) return;
  parents = [...parents, group];
  bool ok = true;
  if (!group.metadata.skip && group.setUpAll != null) {
    ok = await _run(suite, group.setUpAll!.load(suite, groups: parents), hook: true);
  }
  for (final GroupEntry e in group.entries) {
    if (!_wanted(e)) continue;
    if (e is Group) {
      if (ok) await _group(suite, e, parents);
    } else if (e.metadata.skip) {
      _emit({'suite': suite.path, 'name': e.name, 'result': 'skipped', 'reason': e.metadata.skipReason});
    } else if (ok) {
      await _run(suite, (e as Test).load(suite, groups: parents));
    } else {
      _emit({'suite': suite.path, 'name': e.name, 'result': 'failed', 'ms': 0, 'errors': ['setUpAll failed'], 'log': []});
    }
  }
  if (!group.metadata.skip && group.tearDownAll != null) {
    await _run(suite, group.tearDownAll!.load(suite, groups: parents), hook: true);
  }
}

Future<bool> _run(Suite suite, LiveTest test, {bool hook = false}) async {
  final Stopwatch watch = Stopwatch()..start();
  final List<String> errors = [], log = [];
  test.onMessage.listen((m) => log.add(m.text));
  _emit({'suite': suite.path, 'name': test.individualName, 'started': test.test.name});
  await _out.flush();
  await Future<void>.microtask(test.run);
  await null;
  for (final e in test.errors) {
    errors.add('${e.error}\n${e.stackTrace}');
  }
  final bool ok = test.state.result.isPassing;
  final bool skipped = test.state.result.name == 'skipped';
  if (!ok || !hook) {
    _emit({'suite': suite.path, 'name': test.test.name, 'result': ok ? (skipped ? 'skipped' : 'passed') : 'failed',
      'ms': watch.elapsedMilliseconds, 'errors': errors, 'log': log});
  }
  return ok;
}
'''


def quote(s):
    return "'" + s.replace('\\', '\\\\').replace("'", "\\'").replace('$', '\\$') + "'"


def config_for(app, path):
    d = os.path.dirname(path)
    while True:
        c = os.path.join(d, 'flutter_test_config.dart')
        if os.path.exists(os.path.join(app.dir, c)):
            return c
        if os.path.exists(os.path.join(app.dir, d, 'pubspec.yaml')) or d == '':
            return None
        d = os.path.dirname(d)


def test(app, args, update=False):
    t0 = time.time()
    verbose, name, files = False, None, []
    args = list(args)
    while args:
        a = args.pop(0)
        if a in ('-v', '--verbose'):
            verbose = True
        elif a == '--name':
            name = args.pop(0)
        elif a.startswith('--name='):
            name = a[7:]
        elif a.startswith('-'):
            die('unknown option ' + a)
        else:
            files.append(a)
    chosen = []
    for f in files or ['test']:
        p = os.path.normpath(os.path.join(app.dir, f))
        if os.path.isdir(p):
            chosen += glob.glob(p + '/**/*_test.dart', recursive=True)
        elif os.path.isfile(p):
            chosen.append(p)
        else:
            die(f'no such test file: {f}')
    chosen = sorted({os.path.relpath(p, app.dir) for p in chosen})
    if update:
        chosen = [f for f in chosen if files or 'matchesGoldenFile' in open(f'{app.dir}/{f}').read()]
    if not chosen:
        say('no test files')
        say('0 passed, 0 failed')
        return 1
    imports, suites, cfgs = [], [], {}
    for i, f in enumerate(chosen):
        imports.append(f"import {quote('file://' + app.dir + '/' + f)} as t{i};")
        c = config_for(app, f)
        if c:
            if c not in cfgs:
                cfgs[c] = f'c{len(cfgs)}'
                imports.append(f"import {quote('file://' + app.dir + '/' + c)} as {cfgs[c]};")
            suites.append(f"  {quote(f)}: () => {cfgs[c]}.testExecutable(t{i}.main),")
        else:
            suites.append(f"  {quote(f)}: () async => await (t{i}.main as dynamic)(),")
    key = 'all' if not files and not update else hashlib.sha1('\n'.join(chosen).encode()).hexdigest()[:8]
    main = f'{app.out}/test/{key}.dart'
    write(main, MAIN.replace('@IMPORTS@', '\n'.join(imports)).replace('@SUITES@', '\n'.join(suites)))
    dill = main[:-5] + '.dill'
    if app.kernel(main, dill, ['--sdk-root', E + '/flutter_patched_sdk/', '--track-creation-locations',
                               '--enable-asserts', *app.defines()],
                  incremental=os.environ.get('FD_INCREMENTAL') != '0'):
        say(f'0 passed, {len(chosen)} failed')
        return 1
    assets = app.out + '/test/assets'
    app.bundle(assets)
    limit = float(os.environ.get('FD_TIMEOUT', '300'))
    jobs = int(os.environ.get('FD_JOBS', '2'))
    groups = [[f] for f in chosen] if os.environ.get('FD_ISOLATE') != '0' else [chosen]
    tmp = app.out + '/test/results'
    shutil.rmtree(tmp, ignore_errors=True)
    os.makedirs(tmp)
    out_lock = threading.Lock()
    total = {'passed': 0, 'failed': 0, 'skipped': 0}
    report = []

    def one(i, names):
        res = f'{tmp}/{i}.jsonl'
        env = {**os.environ, 'FLUTTER_TEST': 'true', 'UNIT_TEST_ASSETS': assets, 'APP_NAME': app.name,
               'FD_RESULT': res,
               'FD_SUITES': json.dumps(names), 'FD_UPDATE_GOLDENS': '1' if update else '0'}
        env.pop('FD_NAME', None)
        if name:
            env['FD_NAME'] = name
        t = time.time()
        p = subprocess.Popen(
            [E + '/flutter_tester', '--disable-vm-service', '--enable-checked-mode', '--verify-entry-points',
             '--enable-software-rendering', '--skia-deterministic-rendering', '--non-interactive', '--use-test-fonts',
             '--run-forever', '--flutter-assets-dir=' + assets, '--packages=' + app.config, dill],
            cwd=app.dir, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        why = None
        try:
            raw, _ = p.communicate(timeout=limit * (1 if len(names) == 1 else len(names)))
        except subprocess.TimeoutExpired:
            p.kill()        # this one process, by its id
            raw, _ = p.communicate()
            why = f'took over {limit:.0f} s (FD_TIMEOUT): killed'
        rows = []
        if os.path.exists(res):
            for l in open(res):
                try:
                    rows.append(json.loads(l))
                except ValueError:
                    pass
        done = bool(rows) and rows[-1].get('done')
        results = [r for r in rows if 'result' in r]
        if not done:
            last = [r for r in rows if 'started' in r]
            last = last[-1] if last else {'suite': names[0], 'started': 'loading'}
            results.append({'suite': last['suite'], 'name': last['started'], 'result': 'failed', 'ms': 0, 'log': [],
                            'errors': [(why or f'flutter_tester ended early, exit status {p.returncode}') + '\n'
                                       + raw.decode(errors='replace')[-4000:]]})
        with out_lock:
            for f in names:
                n = {'passed': 0, 'failed': 0, 'skipped': 0}
                for r in results:
                    if r['suite'] != f:
                        continue
                    n[r['result']] += 1
                    total[r['result']] += 1
                    report.append(r)
                    if verbose or r['result'] == 'failed':
                        say(f"{ {'passed': ' ok  ', 'failed': 'FAIL ', 'skipped': 'skip '}[r['result']]} {f}: {r['name']}"
                            + (f" ({r['ms']} ms)" if 'ms' in r else '') + (f" [{r['reason']}]" if r.get('reason') else ''))
                        for x in (r.get('log') or []) + (r.get('errors') or []):
                            say('    ' + x.rstrip().replace('\n', '\n    '))
                say(f"{f}: {n['passed']} ok, {n['failed']} bad, {n['skipped']} skipped, {time.time() - t:.1f} s")
            stray = raw.decode(errors='replace').strip()
            if stray and done:
                say('    ' + stray.replace('\n', '\n    '))

    with cf.ThreadPoolExecutor(jobs) as ex:
        for fut in [ex.submit(one, i, g) for i, g in enumerate(groups)]:
            fut.result()
    write(app.out + '/test-results.json', json.dumps(report, indent=1))
    say(f'{time.time() - t0:.1f} s')
    bad = total['failed'] > 0 or total['passed'] == 0
    if total['passed'] + total['failed'] == 0:
        say('no test ran')
    say(f"{total['passed']} passed, {total['failed']} failed" + (f", {total['skipped']} skipped" if total['skipped'] else ''))
    return 1 if bad else 0


# ---- analyze ------------------------------------------------------------------------------
def analyze(app, args):
    dirs = [d for d in ('lib', 'test', 'testing', 'bin', 'integration_test', 'tool') if os.path.isdir(f'{app.dir}/{d}')]
    dirs += [f for f in ('analysis_options.yaml', 'pubspec.yaml') if os.path.isfile(f'{app.dir}/{f}')]
    opts = [a for a in args if a.startswith('-')]
    return subprocess.run([DART + '/dart', 'analyze', '--packages=' + app.config, *opts,
                           *([a for a in args if not a.startswith('-')] or dirs)],
                          cwd=app.dir, env={**os.environ, 'DART_SUPPRESS_ANALYTICS': 'true'}).returncode


# ---- Linux desktop ------------------------------------------------------------------------
RUNNER = r'''
#include <flutter_linux/flutter_linux.h>
#include <gtk/gtk.h>
#include <stdio.h>
static char** dart_args;
static void first_frame(FlView* v, gpointer w) { gtk_widget_show(GTK_WIDGET(w)); gtk_widget_grab_focus(GTK_WIDGET(v)); }
static void activate(GtkApplication* app, gpointer data) {
  int w = 1280, h = 800;
  const char* s = g_getenv("FD_SCREEN");
  if (s) sscanf(s, "%dx%d", &w, &h);
  GtkWindow* win = GTK_WINDOW(gtk_application_window_new(app));
  gtk_window_set_title(win, APP_NAME);
  gtk_window_set_default_size(win, w, h);
  FlDartProject* project = fl_dart_project_new();
  fl_dart_project_set_dart_entrypoint_arguments(project, dart_args);
  FlView* view = fl_view_new(project);
  gtk_widget_show(GTK_WIDGET(view));
  gtk_container_add(GTK_CONTAINER(win), GTK_WIDGET(view));
  g_signal_connect(view, "first-frame", G_CALLBACK(first_frame), win);
  gtk_widget_realize(GTK_WIDGET(view));
}
int main(int argc, char** argv) {
  dart_args = g_strdupv(argv + 1);
  GtkApplication* app = gtk_application_new(NULL, G_APPLICATION_NON_UNIQUE);
  g_signal_connect(app, "activate", G_CALLBACK(activate), NULL);
  char* one[] = {argv[0], NULL};
  return g_application_run(G_APPLICATION(app), 1, one);
}
'''


def build_linux(app, out):
    t0 = time.time()
    b = app.out + '/linux'
    os.makedirs(b, exist_ok=True)
    for n, (d, s) in app.local.items():
        if 'plugin' in (s.get('flutter') or {}):
            say(f'warning: {n} is a plugin: its native code is not built')
    if app.kernel(f'package:{app.name}/main.dart', b + '/app.dill',
                  ['--sdk-root', E + '/flutter_patched_sdk_product/', '--aot', '--tfa', '--target-os', 'linux',
                   '-Ddart.vm.profile=false', '-Ddart.vm.product=true',
                   '--delete-tostring-package-uri=dart:ui', '--delete-tostring-package-uri=package:flutter',
                   *app.defines()]):
        return 1
    so = out + '/lib/libapp.so'
    os.makedirs(out + '/lib', exist_ok=True)
    if not os.path.exists(so) or os.stat(so).st_mtime < os.stat(b + '/app.dill').st_mtime:
        t = time.time()
        subprocess.run([E + '-release/gen_snapshot', '--deterministic', '--snapshot_kind=app-aot-elf',
                        '--elf=' + so, '--strip', b + '/app.dill'], check=True)
        say(f'gen_snapshot {time.time() - t:.1f} s, libapp.so {os.path.getsize(so) // 1024} KiB')
    write(b + '/runner.c', RUNNER)
    exe = f'{out}/{app.name}'
    if not os.path.exists(exe) or os.stat(exe).st_mtime < os.stat(b + '/runner.c').st_mtime:
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'flutter_linux', 'gtk+-3.0'],
                               check=True, capture_output=True, text=True).stdout.split()
        cflags = [f for f in flags if not f.startswith(('-l', '-L'))]
        libs = [f for f in flags if f.startswith(('-l', '-L'))]
        subprocess.run(['gcc', '-O2', f'-DAPP_NAME="{app.name}"', *cflags, b + '/runner.c', '-o', exe,
                        '-Wl,-rpath,$ORIGIN/lib', *libs], check=True)
    lib = '/usr/lib/x86_64-linux-gnu/libflutter_linux_gtk.so'
    shutil.copy2(os.path.realpath(lib), out + '/lib/libflutter_linux_gtk.so')
    app.bundle(out + '/data/flutter_assets')
    open(out + '/data/icudtl.dat', 'a').close()     # Debian's engine has ICU's data in libicu
    say(f'{out}: built in {time.time() - t0:.1f} s')
    return 0


def screenshot(bundle, png, args):
    secs = 4.0
    args = list(args)
    if args and re.fullmatch(r'[\d.]+', args[0]):
        secs = float(args.pop(0))
    size = os.environ.get('FD_SCREEN', '1280x800')
    exes = [f for f in os.listdir(bundle) if os.access(f'{bundle}/{f}', os.X_OK) and os.path.isfile(f'{bundle}/{f}')]
    if len(exes) != 1:
        die(f'{bundle}: not a bundle')
    os.makedirs('/tmp/.X11-unix', exist_ok=True)
    os.chmod('/tmp/.X11-unix', 0o1777)
    r, w = os.pipe()
    x = subprocess.Popen(['Xvfb', '-displayfd', str(w), '-screen', '0', size + 'x24', '-nolisten', 'tcp'],
                         pass_fds=[w], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(w)
    disp = os.read(r, 16).decode().strip()
    if not disp:
        die('Xvfb did not start', 1)
    env = {**os.environ, 'DISPLAY': ':' + disp, 'LIBGL_ALWAYS_SOFTWARE': '1', 'NO_AT_BRIDGE': '1', 'GDK_BACKEND': 'x11',
           'GSETTINGS_BACKEND': 'memory', 'XDG_RUNTIME_DIR': '/tmp', 'DBUS_SESSION_BUS_ADDRESS': 'disabled:', 'FD_SCREEN': size}
    log = open(os.path.splitext(png)[0] + '.log', 'w')
    a = subprocess.Popen([f'{bundle}/{exes[0]}', *os.environ.get('FD_ARGS', '').split()],
                         cwd=bundle, env=env, stdout=log, stderr=subprocess.STDOUT)
    rc = 0
    try:
        end = time.time() + 20          # wait until something is drawn, then SECONDS more
        while time.time() < end and a.poll() is None:
            if colours(env) > 1:
                break
            time.sleep(0.3)
        time.sleep(secs)
        if args:
            for step in ' '.join(args).split(' -- ') if '--' in args else [' '.join(args)]:
                subprocess.run(['xdotool', *step.split()], env=env, check=True)
                time.sleep(0.4)
            time.sleep(1.2)
        if a.poll() is not None:
            say(f'the app ended with status {a.returncode}: see {log.name}')
            rc = 1
        subprocess.run(['import', '-window', 'root', png], env=env, check=True)
        n = colours(env)
        say(f'{png}: {n} colours' + ('' if n > 2 else ' - blank?'))
        rc = rc or (0 if n > 2 else 1)
    finally:
        for p in (a, x):
            if p.poll() is None:
                p.terminate()
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
    return rc


def colours(env):
    r = subprocess.run(['import', '-window', 'root', '-format', '%k', 'info:'], env=env, capture_output=True, text=True)
    return int(r.stdout.strip() or 0)


def main():
    sub, d, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if sub == 'screenshot':
        return screenshot(d, rest[0], rest[1:])
    if sub == 'format':
        return subprocess.run([DART + '/dart', 'format', *(rest or ['lib', 'test', 'testing'])], cwd=d).returncode
    app = App(d)
    if sub == 'analyze':
        return analyze(app, rest)
    if sub == 'test':
        return test(app, rest)
    if sub == 'goldens':
        return test(app, rest, update=True)
    if sub == 'build-linux':
        return build_linux(app, rest[0])
    die('unknown: ' + sub)


sys.exit(main())
__FD_PY__
}

main() {   # one function: an edit of this file while it runs does no harm
local cmd=${1:-} b o d; [ $# -eq 0 ] || shift
case "$cmd" in
  setup) cmd_setup "$@" ;;
  analyze|format|test|goldens|build-linux) app "$cmd" "$@" ;;
  screenshot)
    [ $# -ge 2 ] || die "screenshot BUNDLE OUT.png [SECONDS] [XDOTOOL COMMAND [-- ...]]"
    need_root
    b=$(realpath "$1"); o=$(realpath -m "$2"); shift 2; mkdir -p "$(dirname "$o")"
    enter "$b" "$(dirname "$o")" -- python3 /opt/fd/fd.py screenshot "$b" "$o" "$@" ;;
  shell)
    need_root
    if [ $# -gt 0 ]; then d=$(realpath "$1"); enter "$d" -- bash -c 'cd "$0"; exec bash' "$d"; else enter -- bash; fi ;;
  *) sed -n '2,/^set -euo/p' "$0" | sed -n 's/^# \{0,1\}//p'; [ -z "$cmd" ] || exit 2 ;;
esac
}
main "$@"; exit
