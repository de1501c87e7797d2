import PolicyInterface

/// A question to the policy, and how it is to be answered.
struct PolicyQuestion: Sendable {
    /// Which question it is: answers to others come too late.
    let number: Int
    /// The control step of the newest observation.
    let step: Int
    /// The same observations several times; the first request decides what is done.
    let requests: [ChunkRequest]
    /// How actions are sampled.
    let settings: PlaySettings
}

/// What the policy said.
struct PolicyAnswer: Sendable {
    /// The number of the question.
    let number: Int
    /// One for each request.
    let chunks: [ActionChunk]
    /// How the first chunk came about, the noise first; empty for a policy that does not tell.
    let refinement: [RefinementStep]
    /// Seconds that it took.
    let duration: Double

    /// Asks a policy.
    /// - Parameters:
    ///   - question: what to ask.
    ///   - policy: whom.
    ///   - now: a clock in seconds.
    /// - Throws: as the policy does.
    init(to question: PolicyQuestion, of policy: any ChunkingPolicy, now: () -> Double) throws {
        let start = now()
        var steps: [RefinementStep] = []
        if let policy = policy as? any RefiningPolicy {
            chunks = try policy.chunks(for: question.requests) { step in
                if step.items.contains(0), steps.isEmpty || Self.isShown(step) { steps.append(step) }
            }
        } else {
            chunks = try policy.chunks(for: question.requests)
        }
        duration = now() - start
        number = question.number
        refinement = steps
    }

    /// For tests, which need no policy.
    init(number: Int, chunks: [ActionChunk], refinement: [RefinementStep] = [], duration: Double = 0) {
        self.number = number
        self.chunks = chunks
        self.refinement = refinement
        self.duration = duration
    }

    /// The most steps of a refinement that are shown.
    static let shownSteps = 20

    /// Whether a step is among those that are shown: all of a few, evenly chosen ones of many, always the first and the last.
    private static func isShown(_ step: RefinementStep) -> Bool {
        let stride = (step.count + shownSteps - 1) / shownSteps
        return step.index == step.count || step.index % max(stride, 1) == 0
    }
}
