package import DPBase
public import DPInterface

/// Evaluates policies in an environment with the protocol of the paper: one episode per seed, each scored by its
/// best reward.
///
/// ```swift
/// let evaluator = Evaluator { PushTEnvironment(seed: $0) }
/// let result = try evaluator.evaluate(policy)
/// ```
public struct Evaluator {
    /// The settings of the evaluation.
    public var configuration: EvaluationConfiguration
    /// Makes the environment of an episode from its seed.
    public var environments: (UInt64) throws -> any SimulatedEnvironment

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
    ///   - observers: observers of the rollouts.
    /// - Throws: `InputError`, `EvaluationError`, or any error of the policy, of making an environment or of an
    ///   observer; when the policy fails after some episodes have ended, `IncompleteEvaluation` with these.
    public func evaluate(
        _ policy: any ChunkingPolicy, named name: String = "policy", observers: [any RolloutObserver] = []
    ) throws -> EvaluationResult {
        try configuration.validate()
        let seeds = configuration.seeds
        let batch = configuration.batch ?? EvaluationConfiguration.defaultBatch
        let clampedBefore = policy.clampedActions
        var latencies = LatencyRecorder()
        var episodes: [EpisodeResult] = []
        for start in stride(from: 0, to: seeds.count, by: batch) {
            let group = seeds.dropFirst(start).prefix(batch)
            do {
                episodes += try run(group, with: policy, latencies: &latencies, observers: observers)
            } catch let failure as PolicyFailure {
                episodes += failure.ended
                guard !episodes.isEmpty else { throw failure.cause }
                throw IncompleteEvaluation(result: result("\(failure.cause)"), cause: failure.cause)
            }
        }
        return result(nil)

        func result(_ incomplete: String?) -> EvaluationResult {
            EvaluationResult(
                policy: name, settings: configuration, episodes: episodes, latency: latencies.summary(),
                clampedActions: policy.clampedActions - clampedBefore, incomplete: incomplete)
        }
    }

    /// The policy's error, and the episodes of the group that had ended.
    private struct PolicyFailure: Error {
        let cause: any Error
        let ended: [EpisodeResult]
    }

    /// Runs one group of episodes from reset to end.
    private func run(
        _ seeds: Range<UInt64>, with policy: any ChunkingPolicy, latencies: inout LatencyRecorder,
        observers: [any RolloutObserver]
    ) throws -> [EpisodeResult] {
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
                throw PolicyFailure(cause: error, ended: rollouts.filter(\.isFinished).map(\.episode))
            }
            for index in rollouts.indices { try rollouts[index].step() }
            step += 1
            for observer in observers { try observer.observe(rollouts, step: step) }
        }
        return rollouts.map(\.episode)
    }

    /// Calls the policy once for all rollouts that need a chunk.
    private func answerRequests(
        of rollouts: inout [Rollout], with policy: any ChunkingPolicy, latencies: inout LatencyRecorder
    ) throws {
        var requests: [ChunkRequest] = []
        var askers: [Int] = []
        for index in rollouts.indices {
            guard let request = rollouts[index].observe() else { continue }
            requests.append(request)
            askers.append(index)
        }
        if requests.isEmpty { return }
        // Prepares before timing, so that compiling does not count as latency.
        try policy.prepare(count: requests.count)
        let chunks = try latencies.measure(batch: requests.count) { try policy.predictActionChunks(for: requests) }
        guard chunks.count == requests.count else {
            throw WrongChunkCount(requests: requests.count, chunks: chunks.count)
        }
        for (index, chunk) in zip(askers, chunks) { try rollouts[index].accept(chunk) }
    }
}
