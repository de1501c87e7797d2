// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "AnotherRobot",
    dependencies: [
        .package(name: "swift-diffusion-policy", path: "../..")
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
