import Foundation
import NoiseSchedules
import PolicyInterface

/// Answers questions to a policy on a thread of its own, the newest question first and older ones never.
final class PolicyThread: @unchecked Sendable {
    /// Told the number of a question and what came of it.
    typealias Report = @Sendable (Int, Result<PolicyAnswer, any Error>) -> Void

    private let queue = DispatchQueue(label: "policy", qos: .userInteractive)
    private let policy: PlayedPolicy
    private let lock = NSLock()
    /// The question to answer next, and whom to tell; guarded by the lock.
    private var next: (question: PolicyQuestion, report: Report)?
    /// The policy as it was asked last, and the sampler and steps that it was made for; belongs to the queue.
    private var made: (sampler: Sampler.Name, steps: Int, policy: any ChunkingPolicy)?

    /// A thread to ask a policy on.
    init(_ policy: PlayedPolicy) { self.policy = policy }

    /// Asks; a question that still waits is forgotten.
    /// - Parameter report: told on the thread of the policy.
    func ask(_ question: PolicyQuestion, report: @escaping Report) {
        lock.withLock { next = (question, report) }
        queue.async { [self] in
            let next = lock.withLock {
                defer { self.next = nil }
                return self.next
            }
            guard let (question, report) = next else { return }
            report(question.number, Result { try answer(question) })
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
