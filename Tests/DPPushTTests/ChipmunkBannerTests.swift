import Foundation
import Testing

@testable import DPPushT

/// Tests that a library's banner, and nothing else, is kept out of standard output.
@Suite struct ChipmunkGreetingTests {
    private func identity() -> [UInt64] {
        var status = stat()
        #expect(fstat(STDOUT_FILENO, &status) == 0)
        return [UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_rdev)]
    }

    /// While the banner is printed, the output of other threads still reaches its destination.
    @Test func standardOutputStaysTheFileThatItIs() {
        let before = identity()
        var (during, called) = ([UInt64](), 0)
        for _ in 0..<3 {
            ChipmunkBanner.discardingOutput {
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
