allprojects {
    repositories {
        google()
        mavenCentral()
    }
}

val builds = rootProject.layout.buildDirectory.dir("../../build").get()
rootProject.layout.buildDirectory.value(builds)
subprojects {
    layout.buildDirectory.value(builds.dir(name))
    evaluationDependsOn(":app")
}

tasks.register<Delete>("clean") {
    delete(rootProject.layout.buildDirectory)
}
