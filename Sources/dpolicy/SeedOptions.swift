public import ArgumentParser
public import PushT

extension PushTDefinition.Seeds: ExpressibleByArgument {}

/// Which start belongs to a seed.
struct SeedOptions: ParsableArguments {
    @Option(
        help: """
            Whose starts the seeds are: original (of the published scores, and of gym-pusht up to 0.1.5) or gym-pusht (since 0.1.6). The same \
            seed is another start in the other.
            """)
    var seeds = PushTDefinition.Seeds.original

    /// The name in settings of an evaluation; nil for the usual one.
    var seeding: String? { seeds == .original ? nil : seeds.rawValue }
    /// What differs from the usual seeds, behind a policy's name.
    var remark: String { seeding.map { ", seeds of \($0)" } ?? "" }
}
