// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "CustomRobot",
    dependencies: [
        // Disable the default trait TLS, since nothing here is encrypted. BoringSSL is then not built.
        .package(name: "swift-diffusion-policy", path: "../..", traits: [])
    ],
    targets: [
        // Modules with common names, which must not collide with those of the library.
        .target(name: "Control"),
        .target(
            name: "Training",
            dependencies: [.product(name: "DiffusionPolicyKit", package: "swift-diffusion-policy")]),
        .executableTarget(
            name: "CustomRobot",
            dependencies: [.product(name: "DiffusionPolicyKit", package: "swift-diffusion-policy")]),
        .executableTarget(
            name: "CameraRobot",
            dependencies: [
                "Control", "Training", .product(name: "DiffusionPolicyKit", package: "swift-diffusion-policy"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
