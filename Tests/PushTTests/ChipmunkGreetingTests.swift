import Foundation
import Testing

@testable import PushT

/// What a library prints is kept out of standard output, and nothing else is.
@Suite struct ChipmunkGreetingTests {
    private func identity() -> [UInt64] {
        var status = stat()
        #expect(fstat(STDOUT_FILENO, &status) == 0)
        return [UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_rdev)]
    }

    /// While the greeting is printed, what other threads write goes where it should.
    @Test func standardOutputStaysTheFileThatItIs() {
        let before = identity()
        var (during, called) = ([UInt64](), 0)
        for _ in 0..<3 {
            ChipmunkGreeting.discardingOutput {
                puts("a greeting that nobody wants")
                during = identity()
                called += 1
            }
            #expect(during == before)
        }
        #expect(called == 3)
        #expect(identity() == before)
    }
}
