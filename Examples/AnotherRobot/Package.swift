// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "AnotherRobot",
    dependencies: [
        // Without the default trait, TLS: nothing here is encrypted, and BoringSSL need not be built.
        .package(name: "swift-diffusion-policy", path: "../..", traits: [])
    ],
    targets: [
        .executableTarget(
            name: "AnotherRobot",
            dependencies: [.product(name: "DiffusionPolicyKit", package: "swift-diffusion-policy")]),
        .executableTarget(
            name: "SeeingRobot",
            dependencies: [.product(name: "DiffusionPolicyKit", package: "swift-diffusion-policy")]),
    ],
    swiftLanguageModes: [.v6]
)
