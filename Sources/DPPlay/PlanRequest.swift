import DPInterface
import DPServing

/// A request to the policy, with the settings for sampling.
struct PlanRequest: Sendable {
    /// Identifies the request; results of earlier ones are ignored.
    let number: Int
    /// The control step of the newest observation.
    let step: Int
    /// The same observations several times; the chunk of the first request is executed.
    let requests: [ChunkRequest]
    /// How actions are sampled.
    let settings: PlaySettings
}

/// The policy's result for a plan request.
struct PlanResult: Sendable {
    /// The number of the plan request.
    let number: Int
    /// One chunk for each request.
    let chunks: [ActionChunk]
    /// The denoising of the first chunk, starting with the noise; empty for a policy that does not report it.
    let denoising: [DenoisingProgress]
    /// Seconds that the call took.
    let duration: Double

    /// Calls a policy.
    /// - Parameters:
    ///   - request: the request.
    ///   - policy: the policy to call.
    ///   - now: a clock in seconds.
    /// - Throws: any error of the policy.
    init(to request: PlanRequest, of policy: any ChunkingPolicy, now: () -> Double) throws {
        let start = now()
        var steps: [DenoisingProgress] = []
        if let policy = policy as? any DenoisingPolicy {
            chunks = try policy.predictActionChunks(for: request.requests) { step in
                if step.items.contains(0), steps.isEmpty || Self.isShown(step) { steps.append(step) }
            }
        } else {
            chunks = try policy.predictActionChunks(for: request.requests)
        }
        duration = now() - start
        number = request.number
        denoising = steps
    }

    /// A result without a policy, for tests.
    init(number: Int, chunks: [ActionChunk], denoising: [DenoisingProgress] = [], duration: Double = 0) {
        self.number = number
        self.chunks = chunks
        self.denoising = denoising
        self.duration = duration
    }

    /// The largest number of denoising steps that are shown.
    static let shownSteps = 20

    /// Whether a step is shown: every step if there are few, otherwise evenly spaced ones; always the first and the
    /// last.
    private static func isShown(_ step: DenoisingProgress) -> Bool {
        let stride = (step.count + shownSteps - 1) / shownSteps
        return step.index == step.count || step.index % max(stride, 1) == 0
    }
}
