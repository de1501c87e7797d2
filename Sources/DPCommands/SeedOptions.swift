import ArgumentParser
public import DPPushT

extension PushTDefinition.Seeds: ExpressibleByArgument {}

/// The mapping of seeds to start states.
struct SeedOptions: ParsableArguments {
    @Option(
        help: """
            Generator of the start states: original (published scores, gym-pusht up to 0.1.5) or gym-pusht (since \
            0.1.6). The same seed gives different start states in the two.
            """)
    var seeds = PushTDefinition.Seeds.original

    /// The name in the evaluation settings; nil for the default.
    var seeding: String? { seeds == .original ? nil : seeds.rawValue }
    /// A suffix for the policy's name; empty for the default.
    var remark: String { seeding.map { ", seeds of \($0)" } ?? "" }
}
