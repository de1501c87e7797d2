// swift-tools-version: 6.1
import PackageDescription

/// Upcoming language features, enabled in every target.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Declares a module, which may import only its dependencies.
func module(
    _ name: String, dependsOn dependencies: [Target.Dependency] = [], embeds resources: [Resource] = []
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// Declares the tests of a module.
func tests(of name: String, using dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        swiftSettings: settings)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// Sockets, HTTP and websockets.
let network: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket"].map {
    .product(name: $0, package: "swift-nio")
}
let encryption: Target.Dependency = .product(
    name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"]))

let package = Package(
    name: "swift-diffusion-policy",
    products: [
        .library(name: "DiffusionPolicyKit", targets: ["DiffusionPolicyKit"]),
        .library(name: "DPInterface", targets: ["DPInterface"]),
        .library(name: "DPEvaluation", targets: ["DPEvaluation"]),
        .library(name: "DPServing", targets: ["DPServing"]),
        .library(name: "DPPushT", targets: ["DPPushT"]),
        .executable(name: "dpolicy", targets: ["dpolicy"]),
    ],
    traits: [
        .trait(name: "TLS", description: "Encrypted connections, of servers and of clients; builds BoringSSL."),
        .default(enabledTraits: ["TLS"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        // C libraries and C code.
        .systemLibrary(name: "CDPOneDNN", pkgConfig: nil, providers: [.apt(["libdnnl-dev"])]),
        .systemLibrary(name: "CDPChipmunk", pkgConfig: nil, providers: [.apt(["libchipmunk-dev"])]),
        .systemLibrary(name: "CDPBlosc", pkgConfig: nil, providers: [.apt(["libblosc-dev"])]),
        .systemLibrary(name: "CDPZip", pkgConfig: nil, providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CDPPNG", pkgConfig: nil, providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CDPCrypto", pkgConfig: nil, providers: [.apt(["libssl-dev"])]),
        .target(name: "CDPSystem"),
        .target(name: "CDPKernels", linkerSettings: [.linkedLibrary("gomp")]),

        // Utilities, and the interface of policies, robots and simulators.
        module("DPBase", dependsOn: ["CDPSystem"]),
        module("DPInterface", dependsOn: ["DPBase"]),

        // The compute engine.
        module("DPGraph"),
        module("DPCPU", dependsOn: ["DPGraph", "DPBase", "CDPOneDNN", "CDPKernels"]),
        module("DPNetworks", dependsOn: ["DPGraph", "DPBase", "DPInterface"]),

        // Policies, data, training, evaluation.
        module("DPPolicy", dependsOn: ["DPNetworks", "DPGraph", "DPInterface", "DPBase"]),
        module("DPDatasets", dependsOn: ["DPInterface", "DPBase", "CDPBlosc", "CDPZip", "CDPCrypto", logging]),
        module("DPEvaluation", dependsOn: ["DPInterface", "DPBase", "CDPPNG"]),
        module(
            "DPTraining",
            dependsOn: ["DPPolicy", "DPDatasets", "DPNetworks", "DPGraph", "DPInterface", "DPBase", "Yams", logging],
            embeds: [.embedInCode("Recipes")]),

        // The simulated task.
        module("DPPushT", dependsOn: ["DPInterface", "DPBase", "CDPChipmunk"]),

        // Serving, and the live page.
        module("DPServing", dependsOn: ["DPInterface", "DPBase", "CDPSystem", logging, encryption] + network),
        module(
            "DPPlay",
            dependsOn: ["DPServing", "DPPushT", "DPDatasets", "DPPolicy", "DPInterface", "DPBase", logging],
            embeds: [.embedInCode("Page")]),

        // The library for other packages, and the command line.
        module(
            "DiffusionPolicyKit",
            dependsOn: [
                "DPTraining", "DPPolicy", "DPDatasets", "DPEvaluation", "DPInterface", "DPBase", "DPGraph", "DPCPU",
            ]),
        module(
            "DPCommands",
            dependsOn: [
                "DiffusionPolicyKit", "DPCPU", "DPTraining", "DPPolicy", "DPDatasets", "DPEvaluation", "DPPushT",
                "DPServing", "DPPlay", "DPInterface", "DPNetworks", "DPGraph", "DPBase", "CDPSystem", logging,
                arguments,
            ]),
        .executableTarget(name: "dpolicy", dependencies: ["DPCommands"], swiftSettings: settings),

        // Tests: one target per module.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        .target(
            name: "ReferenceBackend", dependencies: ["DPGraph"], path: "Tests/ReferenceBackend", swiftSettings: settings
        ),
        tests(of: "DPBase"),
        tests(of: "DPInterface", using: ["DPBase"]),
        tests(of: "DPGraph", using: ["ReferenceBackend", "DPCPU"]),
        tests(of: "DPCPU", using: ["CDPKernels", "DPBase", "DPGraph"]),
        tests(of: "DPNetworks", using: ["DPInterface", "DPBase", "DPGraph", "ReferenceBackend", "DPCPU"]),
        tests(
            of: "DPPolicy", using: ["DPInterface", "DPBase", "DPNetworks", "DPGraph", "ReferenceBackend", "DPCPU"]),
        tests(of: "DPDatasets", using: ["DPInterface", "DPBase", "CDPBlosc", logging]),
        tests(of: "DPEvaluation", using: ["DPInterface", "DPBase", "CDPPNG"]),
        tests(
            of: "DPTraining",
            using: ["DPPolicy", "DPDatasets", "DPInterface", "DPBase", "DPNetworks", "DPGraph", "DPCPU"]),
        tests(of: "DPPushT", using: ["DPInterface", "DPBase", "DPDatasets"]),
        .target(
            name: "MessageFuzzing", dependencies: ["DPServing", "DPInterface", "DPBase"], path: "Tests/MessageFuzzing",
            swiftSettings: settings),
        tests(of: "DPServing", using: ["DPInterface", "DPBase", "MessageFuzzing", logging]),
        tests(of: "DPPlay", using: ["DPPushT", "DPDatasets", "DPPolicy", "DPInterface", "DPBase", logging]),
        .target(name: "CAllocationProbe", path: "Tests/CAllocationProbe"),
        .executableTarget(
            name: "AllocationProbe",
            dependencies: [
                "CAllocationProbe", "DPCPU", "DPTraining", "DPPolicy", "DPDatasets", "DPInterface", "DPGraph", "DPBase",
            ], path: "Tests/AllocationProbe", swiftSettings: settings),
        .executableTarget(
            name: "AppendingProbe", dependencies: ["DPDatasets"], path: "Tests/AppendingProbe", swiftSettings: settings),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "TestSupport", "dpolicy", "DPCommands", "AllocationProbe", "AppendingProbe", "DiffusionPolicyKit",
                "DPPushT", "DPServing", "DPCPU", "DPNetworks", "DPGraph", "DPBase",
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

// Builds that need only some of the tests, such as those under sanitizers, name them in this variable.
if let names = Context.environment["DPOLICY_TEST_TARGETS"]?.split(separator: " ") {
    package.targets.removeAll { target in target.type == .test && !names.contains { $0 == target.name } }
}
