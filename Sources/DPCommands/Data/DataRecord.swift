import ArgumentParser
import DPBase
import DPDatasets
import DPEvaluation
import DPInterface
import DPPolicy
import DPPushT
import Foundation

/// Records demonstrations from a policy.
struct DataRecord: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record demonstrations from the good episodes of a policy in Push-T.",
        discussion: """
            Each seed gives a different start state. An episode is kept, up to its best moment, if it covers enough \
            of the goal. A frame holds the state before the action and the action, as in human demonstrations; there \
            are no images. The seeds of the final test are refused.

            Example:
              dpolicy data record --policy runs/pusht/policy --output recorded.zarr \\
                --episodes 200 --min-coverage 0.9
            """)

    @Option(help: ArgumentHelp("Policy folder.", valueName: "dir"))
    var policy: String

    @Option(help: ArgumentHelp("Zarr folder to create.", valueName: "path"))
    var output: String

    @Option(parsing: .unconditional, help: "Number of episodes to keep.")
    var episodes = 200

    @Option(parsing: .unconditional, help: "Seed of the first start state.")
    var seed: UInt64 = 300_000

    @Option(parsing: .unconditional, help: "Fraction of the goal that an episode must cover at its best moment.")
    var minCoverage = 0.9

    @Option(parsing: .unconditional, help: "Maximum number of control steps per episode.")
    var maxSteps = 300

    @Option(
        parsing: .unconditional,
        help: "Standard deviation of noise added to every executed action, in pixels, to also record recoveries.")
    var actionNoise = 0.0

    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Seed of the sampling noise.")
    var samplerSeed: UInt64 = 0

    @OptionGroup var simulation: TaskOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    /// The number of start states tried together.
    private var groupSize: Int { min(episodes, 50) }
    /// The number of start states to try per requested episode before giving up.
    private static let startsPerEpisode = 20
    /// The features of the dataset and their shapes in a frame.
    private static let features = [("state", [5]), ("keypoint", [9, 2])]
    /// The coverage that earns the full reward.
    private static let fullCoverage = PushTDefinition().successCoverage

    /// The seeds that may be tried.
    private var seeds: Range<UInt64> { seed..<seed + UInt64(episodes * Self.startsPerEpisode) }

    func validate() throws {
        guard (1...100_000).contains(episodes) else {
            throw ValidationError("--episodes: expected 1...100000, found \(episodes)")
        }
        guard (0...Self.fullCoverage).contains(minCoverage) else {
            throw ValidationError("--min-coverage: expected 0...\(Self.fullCoverage), found \(minCoverage)")
        }
        guard (0...100).contains(actionNoise) else {
            throw ValidationError("--action-noise: expected 0...100 pixels, found \(actionNoise)")
        }
        let last = UInt64.max - UInt64(episodes * Self.startsPerEpisode)
        guard seed <= last else { throw ValidationError("--seed: expected at most \(last), found \(seed)") }
        guard !seeds.overlaps(EvaluationConfiguration.testSeeds) else {
            let test = EvaluationConfiguration.testSeeds
            throw ValidationError(
                """
                --seed: expected no seed in \(test.lowerBound)...\(test.upperBound - 1), the seeds of the final test, \
                found \(seeds.lowerBound)...\(seeds.upperBound - 1) as the seeds that may be tried
                """)
        }
        _ = try checkingUsage { try settings(for: seeds.prefix(groupSize)).validate() }
    }

    private func settings(for seeds: Range<UInt64>) -> EvaluationConfiguration {
        EvaluationConfiguration(
            episodes: seeds.count, firstSeed: seeds.lowerBound, maxSteps: maxSteps, samplerSeed: samplerSeed)
    }

    func run() throws {
        let url = URL(fileURLWithPath: output)
        guard !FileManager.default.fileExists(atPath: url.path) else {
            throw InputError(
                at: output, expected: "a path that does not exist yet", found: "a file or folder",
                hint: "remove it or choose another name")
        }
        let parent = url.deletingLastPathComponent().path
        guard access(parent, W_OK | X_OK) == 0 else {
            throw InputError(at: output, expected: "a writable folder", found: "none at \(parent)")
        }
        try simulation.check(NamedPolicy(at: policy))
        let loaded = try NamedPolicy(at: policy).load(
            sampler, machine: computing.machine(global, weights: acting.weights))
        try PushTTask.check(loaded.configuration)
        let actor: any ChunkingPolicy =
            actionNoise > 0 ? PerturbedPolicy(loaded, deviation: Float(actionNoise)) : loaded
        let (kept, tried) = try record(actor, seeing: loaded.configuration)
        try Self.demonstrations(kept).write(to: url)
        try report(kept, tried: tried)
    }

    /// Tries start states in order until there are enough good episodes.
    private func record(
        _ actor: any ChunkingPolicy, seeing configuration: PolicyConfiguration
    ) throws -> (kept: [RecordedEpisode], tried: Int) {
        var kept: [RecordedEpisode] = []
        for first in stride(from: seeds.lowerBound, to: seeds.upperBound, by: groupSize) {
            let settings = settings(for: first..<first + min(UInt64(groupSize), seeds.upperBound - first))
            let recorder = EpisodeRecorder(features: Self.features.map(\.0))
            let progress = RolloutProgress("\(kept.count) of \(episodes) kept", settings)
            _ = try PushTTask.evaluator(settings, of: configuration).evaluate(actor, observers: [progress, recorder])
            progress.finish()
            for episode in recorder.episodes
            where Double(episode.bestReward) * Self.fullCoverage >= minCoverage - 1e-6 {
                kept.append(episode.untilBest)
                if kept.count == episodes { return (kept, Int(episode.seed - seed) + 1) }
            }
        }
        throw InputError(
            at: policy, expected: "\(episodes) episodes that cover \(minCoverage) of the goal",
            found: "\(kept.count) good episodes from \(seeds.count) start states",
            hint: "train the policy longer, or lower --episodes or --min-coverage")
    }

    private static func demonstrations(_ episodes: [RecordedEpisode]) throws -> InMemoryDataset {
        let frames = episodes.flatMap(\.frames)
        var ends: [Int] = []
        for episode in episodes { ends.append((ends.last ?? 0) + episode.frames.count) }
        let observed = features.map { name, shape in
            InMemoryDataset.Feature(name, shape: shape, values: frames.flatMap { $0.observation[name] ?? [] })
        }
        let actions = InMemoryDataset.Feature("action", shape: [2], values: frames.flatMap(\.action))
        return try InMemoryDataset(features: observed + [actions], episodeEnds: ends)
    }

    /// The output of `--json`.
    private struct Summary: Encodable {
        let output: String
        let episodes: Int
        let tried: Int
        let frames: Int
    }

    private func report(_ kept: [RecordedEpisode], tried: Int) throws {
        let summary = Summary(
            output: output, episodes: kept.count, tried: tried, frames: kept.reduce(0) { $0 + $1.frames.count })
        if global.json {
            try StandardOutput.write(json: summary)
        } else {
            StandardOutput.write(
                line: "\(output): \(summary.episodes) episodes of \(tried) starts, \(summary.frames) frames")
        }
    }
}
