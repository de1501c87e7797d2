import DPPushT
import DiffusionPolicyKit
import Foundation
import Testing

/// Push-T with a policy that is called through the unmodified `openpi-client` from PyPI.
@Suite(.timeLimit(.minutes(5))) struct OpenpiEpisodesTests {
    static let python = ProcessInfo.processInfo.environment["DPOLICY_OPENPI_PYTHON"]

    /// Returns the number of episodes with equal rewards in two evaluations.
    private func agreement(_ one: EvaluationResult, _ other: EvaluationResult) -> Int {
        zip(one.episodes, other.episodes).count { abs($0.bestReward - $1.bestReward) < 1e-4 }
    }

    @Test(.enabled(if: python != nil, "set DPOLICY_OPENPI_PYTHON to a Python that has openpi-client"))
    func scoresLikeALocalPolicy() throws {
        let path = Project.folder.appendingPathComponent("Policies/pusht").path
        let (server, ready) = try ServerRun.start(["--policy", path, "--sampler", "ddim", "--steps", "10"])
        let policy = try DiffusionPolicy(contentsOf: path, sampler: .ddim(steps: 10))
        let relay = try OpenpiRelay(python: Self.python ?? "", port: ready.port, horizon: policy.horizon)

        let evaluator = Evaluator { PushTEnvironment(seed: $0) }
        let (remote, local) = (try evaluator.evaluate(relay), try evaluator.evaluate(policy))
        #expect(remote.episodes.count == 50)
        #expect(abs(remote.score - local.score) <= 0.02, "\(remote.score) through the network, \(local.score) here")
        // The agreement is not by chance: other noise on the same start states gives other rewards.
        let otherwise = EvaluationConfiguration(samplerSeed: 1)
        let other = try Evaluator(configuration: otherwise) { PushTEnvironment(seed: $0) }.evaluate(policy)
        #expect(agreement(remote, local) > agreement(other, local))

        #expect(try relay.finish() == 0)
        server.signal(SIGTERM)
        #expect(try server.wait().status == 0)
    }
}
