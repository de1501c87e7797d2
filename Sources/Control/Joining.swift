import PolicyInterface

/// How an asynchronous controller lets one chunk follow another when computing a chunk takes time.
///
/// A policy predicts what is to be done at certain control steps, counted from the observation that it saw. When the answer comes, the first of these
/// steps have passed.
///
/// Written, in files and on the command line, as a name with its number: `dropping`, `blending:2`.
public enum Joining: Sendable, Hashable {
    /// Asks when the running chunk is used up, holds the last action until the answer comes, and executes the answer from its first action on.
    ///
    /// Receding-horizon control as it is without any latency; with latency the robot stops and goes.
    case waiting
    /// Computes ahead, and executes each chunk from its first action on, though its time has passed: the robot does everything late.
    case naive
    /// Computes ahead, and drops the actions whose time has passed.
    ///
    /// As the reference implementation does on the robot (`eval_real_robot.py`: of the actions with their timestamps, only the later ones are
    /// scheduled). The newest chunk takes over at once, even where it disagrees with the one before.
    case dropping
    /// Asks as often as it can, drops what is late, and averages all predictions for a step, with weights `exp(−decay · i)`, where `i` is 0 for the oldest.
    ///
    /// Temporal ensembling (Zhao et al. 2023, ACT, section IV-A and algorithm 2; the authors' code has 0.01): a larger decay trusts the older
    /// predictions more.
    case ensembling(decay: Double = 0.01)
    /// Drops what is late, and for some steps goes over from the running chunk to the new one: at the `j`-th of `n` steps, counted from 1, the new one has the
    /// weight `j / (n + 1)`.
    ///
    /// A linear cross-fade. LeRobot's asynchronous client (Shukor et al. 2025, SmolVLA) gives the new one the same weight, 0.7, over all of the overlap.
    case blending(steps: Int = 2)
    /// Drops what is late, and has each chunk begin from the previous one: shifted to its time, mixed with noise, and denoised by the last part of the
    /// steps, so that both agree and the new one takes less time.
    ///
    /// Starting from the previous chunk, shifted, its last action repeated, is the real-time iteration scheme for diffusion policies (Duan et al. 2025,
    /// arXiv 2508.05396); adding the noise of the step where it starts is SDEdit (Meng et al. 2022). See `WarmStart`. With policies that ignore it this is
    /// `dropping`.
    case warmStart(share: Double = 0.7)

    /// Every way, with its usual number.
    public static let all: [Joining] = [.waiting, .naive, .dropping, .ensembling(), .blending(), .warmStart()]

    /// Checks the number.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        switch self {
        case .waiting, .naive, .dropping: break
        case .ensembling(let decay):
            guard decay.isFinite else { throw refusal(of: decay, expected: "a finite decay, such as 0.01") }
        case .blending(let steps):
            guard (1...1000).contains(steps) else { throw refusal(of: steps, expected: "1...1000 control steps") }
        case .warmStart(let share):
            guard share > 0, share <= 1 else {
                throw refusal(of: share, expected: "a share of the denoising above 0 and at most 1")
            }
        }
    }

    private func refusal(of number: some Any, expected: String) -> InvalidSetting {
        InvalidSetting(key: "joining \(name)", expected: expected, found: number)
    }
}

extension Joining {
    /// Whether an action is executed at the control step that it was predicted for.
    var keepsTime: Bool {
        switch self {
        case .waiting, .naive: false
        case .dropping, .ensembling, .blending, .warmStart: true
        }
    }

    /// The actions of a chunk that may be executed, the first of them meant for the step of the newest observation: where late ones are dropped, all that
    /// were predicted stand in until the next chunk is there.
    func usableActions(of chunk: ActionChunk) -> [PlannedAction] {
        chunk.planned(keepsTime ? chunk.executed.lowerBound..<chunk.prediction.count : chunk.executed)
    }

    /// How many steps it takes to go over to a new chunk.
    var blendedSteps: Int {
        if case .blending(let steps) = self { steps } else { 0 }
    }

    /// Control steps between questions unless told otherwise.
    func usualInterval(for horizon: Horizon) -> Int {
        if case .ensembling = self { 1 } else { horizon.action }
    }
}

extension Joining: CustomStringConvertible {
    private var name: String {
        switch self {
        case .waiting: "waiting"
        case .naive: "naive"
        case .dropping: "dropping"
        case .ensembling: "ensembling"
        case .blending: "blending"
        case .warmStart: "warm-start"
        }
    }

    /// The name, and the number behind a colon if there is one.
    public var description: String {
        switch self {
        case .waiting, .naive, .dropping: name
        case .ensembling(let decay): "\(name):\(decay)"
        case .blending(let steps): "\(name):\(steps)"
        case .warmStart(let share): "\(name):\(share)"
        }
    }

    /// Reads a name, with or without its number.
    /// - Throws: `InvalidSetting`, which names every way.
    public init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let usual = Self.all.first(where: { $0.name == parts[0] }) else {
            throw InvalidSetting(
                key: "joining", expected: "one of \(Self.all.map(\.description).joined(separator: ", "))", found: text)
        }
        self = try parts.count == 1 ? usual : usual.with(number: parts[1])
        try validate()
    }

    /// The same with another number.
    private func with(number: String) throws -> Joining {
        switch self {
        case .ensembling: if let decay = Double(number) { return .ensembling(decay: decay) }
        case .blending: if let steps = Int(number) { return .blending(steps: steps) }
        case .warmStart: if let share = Double(number) { return .warmStart(share: share) }
        case .waiting, .naive, .dropping: throw refusal(of: number, expected: "no number")
        }
        throw refusal(of: number, expected: "a number, as in \(self)")
    }
}

extension Joining: Codable {
    /// Reads the text.
    public init(from decoder: any Decoder) throws { try self.init(String(from: decoder)) }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
