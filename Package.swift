// swift-tools-version: 6.1
import PackageDescription

/// Upcoming language features that every target adopts.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A room of the house: it sees only the rooms it names.
func room(
    _ name: String, sees dependencies: [Target.Dependency] = [], embeds resources: [Resource] = []
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// The tests of a room.
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
        .library(name: "PolicyInterface", targets: ["PolicyInterface"]),
        .library(name: "PolicyMessages", targets: ["PolicyMessages"]),
        .library(name: "PushT", targets: ["PushT"]),
        .library(name: "Control", targets: ["Control"]),
        .library(name: "Evaluation", targets: ["Evaluation"]),
        .library(name: "RemotePolicies", targets: ["RemotePolicies"]),
        .library(name: "Serving", targets: ["Serving"]),
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
        // C at the edge.
        .systemLibrary(name: "COneDNN", pkgConfig: nil, providers: [.apt(["libdnnl-dev"])]),
        .systemLibrary(name: "CChipmunk", pkgConfig: nil, providers: [.apt(["libchipmunk-dev"])]),
        .systemLibrary(name: "CBlosc", pkgConfig: nil, providers: [.apt(["libblosc-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: nil, providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: nil, providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: nil, providers: [.apt(["libssl-dev"])]),
        .target(name: "CFileExchange"),
        .target(name: "CHeap"),
        .target(name: "CKernels", linkerSettings: [.linkedLibrary("gomp")]),

        // What everybody speaks; the bytes; the numbers.
        room("PolicyInterface"),
        room("TensorFiles", sees: ["MachineResources", "CBlosc", "CZip", "CFileExchange"]),
        room("NoiseSchedules", sees: ["PolicyInterface"]),
        room("MachineResources"),

        // The engine.
        room("TensorGraph"),
        room("ReferenceBackend", sees: ["TensorGraph"]),
        room("CPUBackend", sees: ["TensorGraph", "MachineResources", "COneDNN", "CKernels"]),
        room("NeuralNetworks", sees: ["TensorGraph", "PolicyInterface"]),
        room("PolicyNetworks", sees: ["NeuralNetworks", "TensorGraph", "PolicyInterface"]),

        // The task and the data.
        room("PushT", sees: ["PolicyInterface", "CChipmunk"]),
        room("Demonstrations", sees: ["TensorFiles", "PolicyInterface", "MachineResources", "CCrypto", logging]),

        // Learning, acting, judging.
        room(
            "Policies",
            sees: [
                "PolicyInterface", "NoiseSchedules", "TensorFiles", "PolicyNetworks", "NeuralNetworks", "TensorGraph",
                "MachineResources",
            ]),
        room(
            "Training",
            sees: [
                "Policies", "Demonstrations", "PolicyInterface", "NoiseSchedules", "TensorFiles", "PolicyNetworks",
                "NeuralNetworks", "TensorGraph", "MachineResources", "Yams", logging,
            ],
            embeds: [.embedInCode("Recipes")]),
        room("Control", sees: ["PolicyInterface"]),
        room("Evaluation", sees: ["Control", "PolicyInterface", "MachineResources", "CPNG"]),

        // Over the network.
        room("PolicyMessages", sees: ["PolicyInterface"]),
        room("RemotePolicies", sees: ["PolicyMessages", "PolicyInterface", encryption] + network),
        room("Serving", sees: ["PolicyMessages", "PolicyInterface", "CHeap", logging, encryption] + network),
        room(
            "Play",
            sees: ["Serving", "Control", "PushT", "Demonstrations", "NoiseSchedules", "PolicyInterface", logging],
            embeds: [.embedInCode("Page")]),

        // All of it.
        room(
            "DiffusionPolicyKit",
            sees: [
                "CPUBackend", "Training", "Policies", "Demonstrations", "Evaluation", "Control", "PushT",
                "PolicyInterface", "NoiseSchedules", "PolicyNetworks", "TensorGraph", "TensorFiles",
            ]),
        .executableTarget(
            name: "dpolicy",
            dependencies: [
                "DiffusionPolicyKit", "CPUBackend", "Training", "Policies", "Demonstrations", "Evaluation", "Control",
                "PushT", "PolicyInterface", "PolicyNetworks", "NeuralNetworks", "NoiseSchedules", "TensorFiles",
                "TensorGraph", "MachineResources", "PolicyMessages", "RemotePolicies", "Serving", "Play", "CHeap",
                logging, arguments,
            ],
            swiftSettings: settings),

        // Tests: one target a room.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        tests(of: "PolicyInterface"),
        tests(of: "TensorFiles", using: ["CBlosc"]),
        tests(of: "MachineResources"),
        tests(of: "NoiseSchedules", using: ["PolicyInterface"]),
        tests(of: "CPUBackend", using: ["CKernels", "PolicyInterface", "TensorGraph"]),
        tests(of: "TensorGraph", using: ["ReferenceBackend", "CPUBackend"]),
        tests(
            of: "PolicyNetworks",
            using: ["PolicyInterface", "TensorGraph", "NeuralNetworks", "ReferenceBackend", "CPUBackend"]),
        tests(of: "PushT", using: ["PolicyInterface", "TensorFiles"]),
        tests(of: "Demonstrations", using: ["TensorFiles", "PolicyInterface", logging]),
        tests(
            of: "Policies",
            using: [
                "PolicyInterface", "PolicyNetworks", "NoiseSchedules", "TensorFiles", "TensorGraph", "NeuralNetworks",
                "ReferenceBackend", "CPUBackend",
            ]),
        tests(
            of: "Training",
            using: [
                "Policies", "Demonstrations", "PolicyInterface", "PolicyNetworks", "NoiseSchedules", "TensorFiles",
                "TensorGraph", "CPUBackend",
            ]),
        tests(of: "Control", using: ["PolicyInterface"]),
        tests(of: "Evaluation", using: ["Control", "PolicyInterface", "CPNG"]),
        .target(
            name: "MessageFuzzing", dependencies: ["PolicyMessages", "PolicyInterface"], path: "Tests/MessageFuzzing",
            swiftSettings: settings),
        tests(of: "PolicyMessages", using: ["MessageFuzzing", "PolicyInterface"]),
        tests(
            of: "Serving",
            using: ["PolicyMessages", "RemotePolicies", "PolicyInterface", "Control", "MessageFuzzing", logging]),
        tests(
            of: "Play",
            using: ["Control", "PushT", "Demonstrations", "NoiseSchedules", "PolicyInterface", logging]),
        .target(name: "CAllocationProbe", path: "Tests/CAllocationProbe"),
        .executableTarget(
            name: "AllocationProbe",
            dependencies: [
                "CAllocationProbe", "CPUBackend", "Training", "Policies", "Demonstrations", "PolicyInterface",
                "NoiseSchedules", "TensorGraph", "Control",
            ], path: "Tests/AllocationProbe", swiftSettings: settings),
        .executableTarget(
            name: "AppendingProbe", dependencies: ["Demonstrations"], path: "Tests/AppendingProbe",
            swiftSettings: settings),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "TestSupport", "dpolicy", "AllocationProbe", "AppendingProbe", "DiffusionPolicyKit", "CPUBackend",
                "NeuralNetworks", "RemotePolicies",
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
