import DPBase
import DPInterface
import DPPolicy
import DPServing
import Foundation

/// Calls a policy on its own queue; only the newest request is processed, older ones are dropped.
///
/// Unchecked, because the policy of the last call is accessed only on the queue.
final class PolicyQueue: @unchecked Sendable {
    /// Receives the number of a request and its result.
    typealias Report = @Sendable (Int, Result<PlanResult, any Error>) -> Void

    private let queue = DispatchQueue(label: "policy", qos: .userInteractive)
    private let policy: PlayedPolicy
    /// The next request and its callback.
    private let next = Monitor<(request: PlanRequest, report: Report)?>(nil)
    /// The policy of the last call, with the sampler and steps that it was made for; accessed only on the queue.
    private var made: (sampler: Sampler.Name, steps: Int, policy: any ChunkingPolicy)?

    /// A queue for calls of a policy.
    init(_ policy: PlayedPolicy) { self.policy = policy }

    /// Sends a request; a request that has not started yet is dropped.
    /// - Parameter report: called on the policy's queue.
    func submit(_ request: PlanRequest, report: @escaping Report) {
        next.change { $0 = (request, report) }
        queue.async { [self] in
            guard let (request, report) = next.change({ $0.take() }) else { return }
            report(request.number, Result { try answer(request) })
        }
    }

    private func answer(_ request: PlanRequest) throws -> PlanResult {
        let policy = try policy(for: request.settings)
        try policy.prepare(count: request.requests.count)
        return try PlanResult(to: request, of: policy) { Clock.seconds }
    }

    private func policy(for settings: PlaySettings) throws -> any ChunkingPolicy {
        if let made, made.sampler == settings.sampler, made.steps == settings.steps { return made.policy }
        // Frees the old policy's memory first.
        made = nil
        let policy = try self.policy.make(settings)
        made = (settings.sampler, settings.steps, policy)
        return policy
    }
}

/// The monotonic clock of this module.
enum Clock {
    /// Seconds since an unspecified moment in the past.
    static var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
}
