import DPBase
import DPInterface
import DPServing
import Foundation
import MessageFuzzing
import Testing

/// Mutated messages over the network: each gets a response or an error, and the server continues to work.
@Suite struct FuzzTests {
    @Test func mutatedMessagesAreAnswered() async throws {
        try await withServer { server in
            let port = server.address.port
            try await onThread {
                let requests = [
                    FakePolicy.request(1, seed: 3), FakePolicy.request(2, noise: [Float](repeating: 0.5, count: 8)),
                ]
                let mutator = MessageMutator(
                    corpus: try requests.map { try MessagePackValue(decoding: FakePolicy.message($0)) })
                let client = try RawClient(port: port)
                client.upgrade()
                _ = client.message()
                let (key, count) = (RandomKey(seed: 2), MessageMutator.count)
                var errors = 0
                var memory = 0
                for number in 0..<count {
                    if number == count / 10 { memory = residentBytes() }
                    client.send(2, mutator.message(key.folding(number)))
                    let answer = try #require(client.message(), "the connection ended at message \(number)")
                    #expect([1, 2].contains(answer.opcode))
                    if answer.opcode == 1 { errors += 1 }
                }
                #expect((count / 100..<count).contains(errors), "\(errors) errors for \(count) messages")
                // A short run shares the process with other tests, whose memory would dominate.
                if count >= 100_000 { #expect(residentBytes() - memory < 64 << 20) }
                client.send(2, FakePolicy.message(requests[0]))
                let answer = try PolicyResponse(
                    MessagePackValue(decoding: #require(client.message()).payload), actionDimension: 2)
                #expect(answer.actions == Array(try FakePolicy.chunk(for: requests[0]).actions))
            }
        }
    }
}

/// Returns the resident memory of this process in bytes (Linux; 0 elsewhere).
private func residentBytes() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return pages.flatMap { $0.count > 1 ? Int($0[1]) : nil }.map { $0 * Int(getpagesize()) } ?? 0
}
