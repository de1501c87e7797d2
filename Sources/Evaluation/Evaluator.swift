import Control
public import PolicyInterface

/// Judges policies in an environment, by the protocol of the paper: one episode a seed, each scored by its best reward.
///
/// ```swift
/// let evaluator = Evaluator { PushTEnvironment(seed: $0) }
/// let result = try evaluator.evaluate(policy)
/// ```
public struct Evaluator {
    /// How policies are judged.
    public var configuration: EvaluationConfiguration
    /// Makes the environment of an episode from its seed.
    public var environments: (UInt64) throws -> any Environment

    /// An evaluator of policies in the environments that a function makes from seeds.
    public init(
        configuration: EvaluationConfiguration = EvaluationConfiguration(),
        environments: @escaping (UInt64) throws -> any Environment
    ) {
        self.configuration = configuration
        self.environments = environments
    }

    /// Runs every episode and sums up.
    ///
    /// Environments step together, and one call of the policy answers all that ask. The randomness of an episode is
    /// keyed by the sampler seed and its own seed, so that which others run beside it matters no more than the size of a batch does to the
    /// rounding of the policy's sums.
    /// - Parameters:
    ///   - policy: chooses the actions.
    ///   - name: what to call the policy in the result.
    ///   - observers: watch the rollouts.
    /// - Throws: `InvalidSetting`, `EvaluationError`, or whatever the policy, an environment's making or an observer throws; when the policy fails
    ///   after episodes have ended, `IncompleteEvaluation` with these.
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

    /// Asks the policy once for all rollouts that want to know something.
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
        // A plan that is compiled now would count as latency.
        try policy.prepare(count: requests.count)
        let chunks = try latencies.measure(batch: requests.count) { try policy.chunks(for: requests) }
        guard chunks.count == requests.count else {
            throw EvaluationError.wrongChunkCount(requests: requests.count, chunks: chunks.count)
        }
        for (index, chunk) in zip(askers, chunks) { try rollouts[index].accept(chunk) }
    }
}
