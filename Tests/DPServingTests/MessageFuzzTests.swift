import DPBase
import DPInterface
import DPServing
import MessageFuzzing
import TestSupport
import Testing

/// Mutated messages are read or rejected without a crash.
///
/// `DPOLICY_FUZZ_MESSAGES` sets their number; a long run belongs in a build with the address sanitizer
/// (`--sanitize=address`).
@Suite struct MessageFuzzTests {
    @Test func mutatedMessagesAreReadOrRefused() throws {
        let answer = PolicyResponse(
            actions: [[1, 2]], prediction: [[1, 2], [3, 4]], timing: PolicyResponse.Timing(inference: 1))
        let mutator = MessageMutator(corpus: [
            Fixtures.request.message(for: Fixtures.policy), Fixtures.message(Fixtures.entries),
            Fixtures.policy.message(), answer.message,
        ])
        let key = RandomKey(seed: 1)
        var (good, refused) = (0, 0)
        for number in 0..<MessageMutator.count {
            let bytes = mutator.message(key.folding(number))
            do {
                let message = try MessagePackValue(decoding: bytes)
                _ = try PolicyRequest.read(message, for: Fixtures.policy)
                good += 1
            } catch is InputError {
                refused += 1
            }
            // A malicious server can send the same bytes to the other readers.
            if let message = try? MessagePackValue(decoding: bytes) {
                _ = try? PolicyMetadata.read(message)
                _ = try? PolicyResponse(message, actionDimension: 2)
                #expect(try MessagePackValue(decoding: message.encoded).encoded == message.encoded)
            }
        }
        // Mutations that always or never break the message would test little.
        let few = MessageMutator.count / 100
        #expect(good > few && refused > few, "\(good) were good, \(refused) refused")
    }
}
