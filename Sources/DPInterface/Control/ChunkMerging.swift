import DPBase

/// How an asynchronous controller merges successive chunks when computing a chunk takes time.
///
/// A policy predicts actions for certain control steps, counted from its observation. When the chunk arrives, the
/// first of these steps have passed.
///
/// In files and on the command line it is written as a name with its number: `skip-stale`, `linear-blend:2`.
///
/// ```swift
/// let merging = ChunkMerging.linearBlend(steps: 4)
/// print(merging)  // linear-blend:4, as on the command line
/// let control = ControlConfiguration(merging: merging)
/// ```
public enum ChunkMerging: Sendable, Hashable {
    /// Requests a chunk when the current one is used up, holds the last action until the new one arrives, and
    /// executes it from its first action on.
    ///
    /// This is receding-horizon control as it is without latency; with latency the robot stops and goes.
    case synchronous
    /// Computes ahead, and executes each chunk from its first action on although its time has passed: every action
    /// is late.
    case naiveAsync
    /// Computes ahead, and skips the actions whose time has passed.
    ///
    /// The reference implementation does so on the robot (`eval_real_robot.py` schedules only the actions with
    /// later timestamps). The newest chunk takes over at once, even where it disagrees with the previous one.
    case skipStale
    /// Requests chunks as often as possible, skips stale actions, and averages all predictions for a step with
    /// weights `exp(−decay · i)`, where `i` is 0 for the oldest.
    ///
    /// Temporal ensembling (Zhao et al. 2023, ACT, section IV-A and algorithm 2; the authors' code uses 0.01): a
    /// larger decay gives more weight to older predictions.
    case temporalEnsembling(decay: Double = 0.01)
    /// Skips stale actions, and blends from the current chunk to the new one over some steps: at the `j`-th of `n`
    /// steps, counted from 1, the new one has the weight `j / (n + 1)`.
    ///
    /// A linear cross-fade. LeRobot's asynchronous client (Shukor et al. 2025, SmolVLA) gives the new chunk the
    /// same weight, 0.7, over the whole overlap.
    case linearBlend(steps: Int = 2)
    /// Skips stale actions, and starts each chunk from the previous one: shifted in time, mixed with noise, and
    /// denoised by the last part of the denoising steps, so that both agree and the new one takes less time.
    ///
    /// Starting from the previous chunk, shifted and with its last action repeated, is the real-time iteration
    /// scheme for diffusion policies (Duan et al. 2025, arXiv 2508.05396); adding the noise of the starting step is
    /// SDEdit (Meng et al. 2022). See `WarmStart`. With policies that ignore warm starts this is `skip-stale`.
    case warmStart(strength: Double = 0.7)

    /// All strategies, with their default numbers.
    package static let all: [ChunkMerging] = [
        .synchronous, .naiveAsync, .skipStale, .temporalEnsembling(), .linearBlend(), .warmStart(),
    ]

    /// Checks the number.
    /// - Throws: `InputError`.
    package func validate() throws {
        switch self {
        case .synchronous, .naiveAsync, .skipStale: break
        case .temporalEnsembling(let decay):
            guard decay.isFinite else { throw refusal(of: decay, expected: "a finite decay, such as 0.01") }
        case .linearBlend(let steps):
            guard (1...1000).contains(steps) else { throw refusal(of: steps, expected: "1...1000 control steps") }
        case .warmStart(let strength):
            guard strength > 0, strength <= 1 else {
                throw refusal(of: strength, expected: "a strength above 0 and at most 1")
            }
        }
    }

    private func refusal(of number: some Any, expected: String) -> InputError {
        InputError(key: "merging \(name)", expected: expected, found: number)
    }
}

extension ChunkMerging {
    /// Whether each action is executed at the control step for which it was predicted.
    var keepsTime: Bool {
        switch self {
        case .synchronous, .naiveAsync: false
        case .skipStale, .temporalEnsembling, .linearBlend, .warmStart: true
        }
    }

    /// Returns the actions of a chunk that may be executed, the first of them for the step of the newest observation.
    ///
    /// If stale actions are skipped, these are all predicted actions, which bridge the time until the next chunk.
    func usableActions(of chunk: ActionChunk) -> [PlannedAction] {
        chunk.planned(keepsTime ? chunk.executed.lowerBound..<chunk.prediction.count : chunk.executed)
    }

    /// The number of control steps of the transition to a new chunk.
    var blendedSteps: Int {
        if case .linearBlend(let steps) = self { steps } else { 0 }
    }

    /// Returns the default number of control steps between requests.
    func usualInterval(for horizon: Horizon) -> Int {
        if case .temporalEnsembling = self { 1 } else { horizon.action }
    }
}

extension ChunkMerging: CustomStringConvertible {
    private var name: String {
        switch self {
        case .synchronous: "synchronous"
        case .naiveAsync: "naive-async"
        case .skipStale: "skip-stale"
        case .temporalEnsembling: "temporal-ensembling"
        case .linearBlend: "linear-blend"
        case .warmStart: "warm-start"
        }
    }

    /// The name, followed by a colon and the number if there is one.
    public var description: String {
        switch self {
        case .synchronous, .naiveAsync, .skipStale: name
        case .temporalEnsembling(let decay): "\(name):\(decay)"
        case .linearBlend(let steps): "\(name):\(steps)"
        case .warmStart(let strength): "\(name):\(strength)"
        }
    }

    /// Reads a name, with or without its number.
    /// - Throws: `InputError`, which lists all strategies.
    package init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let usual = Self.all.first(where: { $0.name == parts[0] }) else {
            throw InputError(
                key: "merging", expected: "one of \(Self.all.map(\.description).joined(separator: ", "))", found: text)
        }
        self = try parts.count == 1 ? usual : usual.with(number: parts[1])
        try validate()
    }

    /// Returns the same method with another number.
    private func with(number: String) throws -> ChunkMerging {
        switch self {
        case .temporalEnsembling: if let decay = Double(number) { return .temporalEnsembling(decay: decay) }
        case .linearBlend: if let steps = Int(number) { return .linearBlend(steps: steps) }
        case .warmStart: if let strength = Double(number) { return .warmStart(strength: strength) }
        case .synchronous, .naiveAsync, .skipStale: throw refusal(of: number, expected: "no number")
        }
        throw refusal(of: number, expected: "a number, as in \(self)")
    }
}

extension ChunkMerging: Codable {
    /// Reads the text.
    public init(from decoder: any Decoder) throws { try self.init(String(from: decoder)) }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
