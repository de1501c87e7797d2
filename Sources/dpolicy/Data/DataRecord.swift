import ArgumentParser
import Demonstrations
import Evaluation
import Foundation
import Policies
import PolicyInterface
import PushT

/// Makes demonstrations from a policy.
struct DataRecord: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Let a policy push the T and keep its good episodes as demonstrations.",
        discussion: """
            Each seed is another start. An episode is kept, up to its best moment, when it covers enough of the goal. Frames hold the \
            state before the action and the action, as people's demonstrations do; there are no images. The seeds of the final test \
            are refused.

            Example:
              dpolicy data record --policy runs/pusht/policy --output recorded.zarr \\
                --episodes 200 --minimum-coverage 0.9
            """)

    @Option(help: ArgumentHelp("Folder of the policy.", valueName: "dir"))
    var policy: String

    @Option(help: ArgumentHelp("The zarr folder to create.", valueName: "path"))
    var output: String

    @Option(parsing: .unconditional, help: "How many episodes to keep.")
    var episodes = 200

    @Option(parsing: .unconditional, help: "Seed of the first start that is tried.")
    var seed: UInt64 = 300_000

    @Option(parsing: .unconditional, help: "Part of the goal that an episode has to cover at its best moment.")
    var minimumCoverage = 0.9

    @Option(parsing: .unconditional, help: "Most control steps of an episode.")
    var maximumSteps = 300

    @Option(
        parsing: .unconditional,
        help: "Standard deviation of noise added to every executed action, in pixels, to record recoveries too.")
    var actionNoise = 0.0

    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Seed of the policy's randomness.")
    var samplerSeed: UInt64 = 0

    @OptionGroup var simulation: TaskOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    /// Starts that are tried together.
    private var groupSize: Int { min(episodes, 50) }
    /// How many starts are tried for each episode that is wanted, before giving up.
    private static let patience = 20
    /// Fields of the demonstrations and the dimensions of a frame.
    private static let fields = [("state", [5]), ("keypoint", [9, 2])]
    /// Coverage that earns the full reward.
    private static let fullCoverage = PushTDefinition().successCoverage

    /// The starts that may be tried.
    private var seeds: Range<UInt64> { seed..<seed + UInt64(episodes * Self.patience) }

    func validate() throws {
        guard (1...100_000).contains(episodes) else {
            throw ValidationError("--episodes: expected 1...100000, found \(episodes)")
        }
        guard (0...Self.fullCoverage).contains(minimumCoverage) else {
            throw ValidationError("--minimum-coverage: expected 0...\(Self.fullCoverage), found \(minimumCoverage)")
        }
        guard (0...100).contains(actionNoise) else {
            throw ValidationError("--action-noise: expected 0...100 pixels, found \(actionNoise)")
        }
        let last = UInt64.max - UInt64(episodes * Self.patience)
        guard seed <= last else { throw ValidationError("--seed: expected at most \(last), found \(seed)") }
        guard !seeds.overlaps(PushTTask.testSeeds) else {
            let test = PushTTask.testSeeds
            throw ValidationError(
                """
                --seed: expected no start among \(test.lowerBound)...\(test.upperBound - 1), the seeds of the final test, \
                found \(seeds.lowerBound)...\(seeds.upperBound - 1) as those that may be tried
                """)
        }
        _ = try checkingUsage { try settings(for: seeds.prefix(groupSize)).validate() }
    }

    private func settings(for seeds: Range<UInt64>) -> EvaluationConfiguration {
        EvaluationConfiguration(
            episodes: seeds.count, firstSeed: seeds.lowerBound, maximumSteps: maximumSteps, samplerSeed: samplerSeed)
    }

    func run() throws {
        let url = URL(fileURLWithPath: output)
        guard !FileManager.default.fileExists(atPath: url.path) else {
            throw CommandError(
                place: output, expected: "nothing there yet", found: "a file or folder",
                hint: "remove it or choose another name")
        }
        let parent = url.deletingLastPathComponent().path
        guard access(parent, W_OK | X_OK) == 0 else {
            throw CommandError(place: output, expected: "a folder that can be written to", found: "none at \(parent)")
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

    /// Tries one start after another until there are enough good episodes.
    private func record(
        _ actor: any ChunkingPolicy, seeing configuration: PolicyConfiguration
    ) throws -> (kept: [RecordedEpisode], tried: Int) {
        var kept: [RecordedEpisode] = []
        for first in stride(from: seeds.lowerBound, to: seeds.upperBound, by: groupSize) {
            let settings = settings(for: first..<first + min(UInt64(groupSize), seeds.upperBound - first))
            let recorder = EpisodeRecorder(fields: Self.fields.map(\.0))
            let progress = RolloutProgress("\(kept.count) of \(episodes) kept", settings)
            _ = try PushTTask.evaluator(settings, of: configuration).evaluate(actor, observers: [progress, recorder])
            progress.finish()
            for episode in recorder.episodes
            where Double(episode.bestReward) * Self.fullCoverage >= minimumCoverage - 1e-6 {
                kept.append(episode.untilBest)
                if kept.count == episodes { return (kept, Int(episode.seed - seed) + 1) }
            }
        }
        throw CommandError(
            place: policy, expected: "\(episodes) episodes that cover \(minimumCoverage) of the goal",
            found: "\(kept.count) of \(seeds.count) starts", hint: "train the policy longer, or ask for less")
    }

    private static func demonstrations(_ episodes: [RecordedEpisode]) throws -> ReplayBuffer {
        let frames = episodes.flatMap(\.frames)
        var ends: [Int] = []
        for episode in episodes { ends.append((ends.last ?? 0) + episode.frames.count) }
        let observed = fields.map { name, shape in
            ReplayBuffer.Field(name, shape: shape, values: frames.flatMap { $0.observation[name] ?? [] })
        }
        let actions = ReplayBuffer.Field("action", shape: [2], values: frames.flatMap(\.action))
        return try ReplayBuffer(fields: observed + [actions], episodeEnds: ends)
    }

    /// What `--json` prints.
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
