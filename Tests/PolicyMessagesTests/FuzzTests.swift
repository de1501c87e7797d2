import MessageFuzzing
import PolicyInterface
import PolicyMessages
import TestSupport
import Testing

/// Mutated messages are read or refused, and never do harm.
///
/// `DPOLICY_FUZZ_MESSAGES` says how many; a long run belongs in a build with the address sanitiser (`--sanitize=address`).
@Suite struct FuzzTests {
    @Test func mutatedMessagesAreReadOrRefused() throws {
        let answer = PolicyAnswer(
            actions: [[1, 2]], prediction: [[1, 2], [3, 4]], timing: PolicyAnswer.Timing(inference: 1))
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
            } catch is MessageError {
                refused += 1
            } catch is ObservationError {
                refused += 1
            }
            // The other readers meet the same bytes when a server is hostile.
            if let message = try? MessagePackValue(decoding: bytes) {
                _ = try? PolicyMetadata.read(message)
                _ = try? PolicyAnswer(message, actionDimension: 2)
                #expect(try MessagePackValue(decoding: message.encoded).encoded == message.encoded)
            }
        }
        // Mutations that always break the message would test little, and so would those that never do.
        let few = MessageMutator.count / 100
        #expect(good > few && refused > few, "\(good) were good, \(refused) refused")
    }
}
