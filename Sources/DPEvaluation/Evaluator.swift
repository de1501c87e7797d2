import DPBase
public import DPInterface

/// Evaluates policies in an environment with the protocol of the paper: one episode per seed, each scored by its
/// best reward.
///
/// ```swift
/// let evaluator = Evaluator { seed in PushTEnvironment(seed: seed) }
/// let result = try evaluator.evaluate(policy, named: "pusht, DDIM 10")
/// print(result.score)
/// ```
public struct Evaluator {
    /// The settings of the evaluation.
    package var configuration: EvaluationConfiguration
    /// Makes the environment of an episode from its seed.
    package var environments: (UInt64) throws -> any SimulatedEnvironment

    /// An evaluator that gets its environments from a function of the seed.
    public init(
        configuration: EvaluationConfiguration = EvaluationConfiguration(),
        environments: @escaping (UInt64) throws -> any SimulatedEnvironment
    ) {
        self.configuration = configuration
        self.environments = environments
    }

    /// Runs every episode and summarizes the results.
    ///
    /// Environments step together, and one call of the policy serves all that need a chunk. The randomness of an
    /// episode is keyed by the sampler seed and its own seed, so other episodes affect it only as far as the batch
    /// size affects the rounding of the policy's sums.
    /// - Parameters:
    ///   - policy: the policy to evaluate.
    ///   - name: the policy's name in the result.
    /// - Throws: `InputError`, `EvaluationError`, or any error of the policy or of making an environment; when the
    ///   policy fails after some episodes have ended, `IncompleteEvaluation` with these.
    public func evaluate(_ policy: any ChunkingPolicy, named name: String = "policy") throws -> EvaluationResult {
        try evaluate(policy, named: name, observers: [])
    }

    /// Runs every episode while observers follow the rollouts; see `evaluate(_:named:)`.
    /// - Parameters:
    ///   - policy: the policy to evaluate.
    ///   - name: the policy's name in the result.
    ///   - observers: observers of the rollouts.
    /// - Throws: as `evaluate(_:named:)`, or an error of an observer.
    package func evaluate(
        _ policy: any ChunkingPolicy, named name: String = "policy", observers: [any RolloutObserver]
    ) throws -> EvaluationResult {
        try configuration.validate()
        let seeds = configuration.seeds
        let batch = configuration.batch ?? EvaluationConfiguration.defaultBatch
        let clampedBefore = policy.clampedActions
        var latencies = LatencyRecorder()
        var episodes: [EpisodeResult] = []
        for start in stride(from: 0, to: seeds.count, by: batch) {
            let group = seeds.dropFirst(start).prefix(batch)
            let (ended, failure) = try run(group, with: policy, latencies: &latencies, observers: observers)
            episodes += ended
            guard let failure else { continue }
            guard !episodes.isEmpty else { throw failure }
            throw IncompleteEvaluation(result: result("\(failure)"), cause: failure)
        }
        return result(nil)

        func result(_ incomplete: String?) -> EvaluationResult {
            EvaluationResult(
                policy: name, settings: configuration, episodes: episodes, latency: latencies.summary(),
                clampedActions: policy.clampedActions - clampedBefore, incomplete: incomplete)
        }
    }

    /// Runs one group of episodes from reset to end.
    /// - Returns: the episodes that ended, and the policy's error if there was one.
    private func run(
        _ seeds: Range<UInt64>, with policy: any ChunkingPolicy, latencies: inout LatencyRecorder,
        observers: [any RolloutObserver]
    ) throws -> (ended: [EpisodeResult], failure: (any Error)?) {
        let key = RandomKey(seed: configuration.samplerSeed)
        var rollouts = try seeds.map { seed in
            Rollout(
                seed: seed, environment: try environments(seed),
                controller: SimulatedTimeController(
                    horizon: policy.horizon, configuration: configuration.control, latency: configuration.latency,
                    key: key.folding(seed)),
                configuration: configuration)
        }
        var step = 0
        for observer in observers { try observer.observe(rollouts, step: step) }
        while !rollouts.allSatisfy(\.isFinished) {
            do { try answerRequests(of: &rollouts, with: policy, latencies: &latencies) } catch {
                return (rollouts.filter(\.isFinished).map(\.episode), error)
            }
            for index in rollouts.indices { try rollouts[index].step() }
            step += 1
            for observer in observers { try observer.observe(rollouts, step: step) }
        }
        return (rollouts.map(\.episode), nil)
    }

    /// Calls the policy once for all rollouts that need a chunk.
    private func answerRequests(
        of rollouts: inout [Rollout], with policy: any ChunkingPolicy, latencies: inout LatencyRecorder
    ) throws {
        var requests: [ChunkRequest] = []
        var indices: [Int] = []
        for index in rollouts.indices {
            guard let request = rollouts[index].observe() else { continue }
            requests.append(request)
            indices.append(index)
        }
        if requests.isEmpty { return }
        // Prepares before timing, so that compiling does not count as latency.
        try policy.prepare(count: requests.count)
        let chunks = try latencies.measure(batch: requests.count) { try policy.predictActionChunks(for: requests) }
        guard chunks.count == requests.count else {
            throw InputError.wrongChunkCount(requests: requests.count, chunks: chunks.count)
        }
        for (index, chunk) in zip(indices, chunks) { try rollouts[index].accept(chunk) }
    }
}
