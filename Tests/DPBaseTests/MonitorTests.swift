import DPBase
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1))) struct MonitorTests {
    /// Threads that change the value in turns lose no change.
    @Test func changesExcludeEachOther() {
        let sum = Monitor(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<1_000 { sum.change { $0 += 1 } }
        }
        #expect(sum.read { $0 } == 8_000)
    }

    /// A waiting thread receives what another one puts, one item at a time.
    @Test func waitingEndsWithAChange() {
        let item = Monitor<Int?>(nil)
        Thread.detachNewThread {
            for number in 0..<100 {
                item.wait { item -> Void? in
                    guard item == nil else { return nil }
                    item = number
                    return ()
                }
            }
        }
        #expect((0..<100).map { _ in item.wait { $0.take() } } == Array(0..<100))
    }

    @Test func waitingEndsAtTheDeadline() {
        let value = Monitor(1)
        let none = value.wait(until: Date(timeIntervalSinceNow: 0.01)) { $0 == 2 ? $0 : nil }
        #expect(none == nil)
        // A deadline in the past does not hide a value that is there.
        #expect(value.wait(until: .distantPast) { $0 == 1 ? $0 : nil } == 1)
    }

    @Test func aFailedChangeReleasesTheMonitor() {
        struct Failure: Error {}
        let value = Monitor(1)
        #expect(throws: Failure.self) {
            try value.change { value in
                value = 2
                throw Failure()
            }
        }
        #expect(value.read { $0 } == 2)
    }
}
