import Foundation
import PolicyInterface

/// Answers questions to a policy on a thread of its own, the newest question first and older ones never.
final class PolicyThread: @unchecked Sendable {
    private let queue = DispatchQueue(label: "policy", qos: .userInteractive)
    private let policy: PlayedPolicy
    private let report: @Sendable (Int, Result<PolicyAnswer, any Error>) -> Void

    private let lock = NSLock()
    /// The question to answer next; guarded by the lock.
    private var next: PolicyQuestion?
    /// The policy as it was asked last, and the sampler and steps that it was made for; belongs to the queue.
    private var made: (sampler: PlaySettings.SamplerName, steps: Int, policy: any ChunkingPolicy)?

    /// - Parameters:
    ///   - policy: whom to ask.
    ///   - report: told the number of a question and what came of it, on the thread of the policy.
    init(_ policy: PlayedPolicy, report: @escaping @Sendable (Int, Result<PolicyAnswer, any Error>) -> Void) {
        self.policy = policy
        self.report = report
    }

    /// Asks; a question that still waits is forgotten.
    func ask(_ question: PolicyQuestion) {
        lock.withLock { next = question }
        queue.async { [self] in
            let question: PolicyQuestion? = lock.withLock {
                defer { next = nil }
                return next
            }
            if let question { report(question.number, Result { try answer(question) }) }
        }
    }

    private func answer(_ question: PolicyQuestion) throws -> PolicyAnswer {
        let policy = try policy(for: question.settings)
        try policy.prepare(count: question.requests.count)
        return try PolicyAnswer(to: question, of: policy) { Clock.seconds }
    }

    private func policy(for settings: PlaySettings) throws -> any ChunkingPolicy {
        if let made, made.sampler == settings.sampler, made.steps == settings.steps { return made.policy }
        // The old one gives its memory back first.
        made = nil
        let policy = try self.policy.make(settings)
        made = (settings.sampler, settings.steps, policy)
        return policy
    }
}

/// The clock of this room: seconds that only rise.
enum Clock {
    /// Seconds since some moment in the past.
    static var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
}
