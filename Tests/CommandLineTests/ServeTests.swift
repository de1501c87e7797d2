import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy serve`, and `dpolicy evaluate --server`.
@Suite(.timeLimit(.minutes(5))) struct ServeTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
    }

    private struct Ready: Decodable {
        let address: String
        let port: Int
    }

    /// A server that has said where it listens.
    private func serve(_ options: String...) throws -> (run: CommandLineRun, ready: Ready) {
        let arguments = ["serve", "--policy", folder("policy").path, "--port", "0", "--threads", "1", "--json"]
        let run = try CommandLineRun(arguments + options)
        while run.isRunning {
            if let ready = try? JSONDecoder().decode(Ready.self, from: Data(run.outputSoFar.utf8)) {
                return (run, ready)
            }
            usleep(10_000)
        }
        Issue.record("\(try run.wait().errors)")
        throw CocoaError(.executableLoad)
    }

    private func scores(_ arguments: String...) throws -> [Float] {
        let output = folder("result.json")
        let common = ["evaluate", "--episodes", "3", "--seed", "7", "--output", output.path]
        let outcome = try CommandLineRun(common + arguments).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try JSONDecoder().decode(EvaluationResult.self, from: Data(contentsOf: output)).episodes.map(
            \.bestReward)
    }

    @Test func aServersPolicyIsJudgedAsALocalOne() throws {
        let options = ["--precision", "float32", "--threads", "1"]
        let local = try scores("--policy", folder("policy").path, options[0], options[1], options[2], options[3])
        let (server, ready) = try serve("--precision", "float32", "--field", "state=observation/state")
        let remote = try scores("--server", ready.address)
        #expect(remote.count == 3 && zip(local, remote).allSatisfy { abs($0 - $1) < 0.02 }, "\(local) \(remote)")
        server.signal(SIGTERM)
        let outcome = try server.wait()
        #expect(outcome.status == 0 && !outcome.isKilled)
        #expect(outcome.errors.contains("answering what is in flight"))
    }

    @Test func aKeyIsWanted() throws {
        try Data("s3cret\n".utf8).write(to: folder("key"))
        let (server, ready) = try serve("--api-key-file", folder("key").path)
        let refused = try dpolicy("evaluate", "--server", ready.address, "--episodes", "1")
        #expect(refused.status == 1 && isOneLine(refused.errors, with: ready.address, "401", "--api-key-file"))
        #expect(!(try scores("--server", ready.address, "--api-key-file", folder("key").path)).isEmpty)
        server.signal(SIGINT)
        #expect(try server.wait().status == 0)
    }

    @Test func carriesALoad() throws {
        let (server, ready) = try serve("--batch", "4")
        let outcome = try dpolicy("load", "--server", ready.address, "--clients", "6", "--seconds", "0.5", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try outcome.json()
        #expect(report["errors"] as? Int == 0 && (report["answers"] as? Int ?? 0) >= 6)
        server.signal(SIGTERM)
        #expect(try server.wait().status == 0)
    }

    @Test func refusesFieldsThatThePolicyDoesNotHave() throws {
        let outcome = try dpolicy("serve", "--policy", folder("policy").path, "--field", "speed=v")
        #expect(outcome.status == 64 && isOneLine(outcome.errors, with: "speed", "state"))
    }

    @Test func saysThatNobodyIsThere() throws {
        let outcome = try dpolicy("evaluate", "--server", "ws://127.0.0.1:1")
        #expect(outcome.status == 1 && isOneLine(outcome.errors, with: "ws://127.0.0.1:1", "dpolicy serve"))
    }
}
