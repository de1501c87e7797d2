import DPBase
import Testing

@testable import DPCPU

@Suite("Memory plan")
struct MemoryPlanTests {
    @Test("live blocks never overlap and fit into the arena", arguments: 0..<20)
    func noOverlap(seed: Int) {
        let key = RandomKey(seed: UInt64(seed))
        var plan = MemoryPlan()
        var living: [Range<Int>] = []
        for index in 0..<500 {
            if !living.isEmpty, key.integer(below: 2, at: 3 * index) == 0 {
                plan.release(living.remove(at: key.integer(below: living.count, at: 3 * index + 1)))
            } else {
                let count = 1 + key.integer(below: 100, at: 3 * index + 2)
                let block = plan.allocate(count)
                #expect(block.count >= count && block.lowerBound % 64 == 0 && block.upperBound <= plan.count)
                #expect(!living.contains { $0.overlaps(block) })
                living.append(block)
            }
        }
    }

    @Test("released memory is reused before the arena grows")
    func reuse() {
        var plan = MemoryPlan()
        let (first, second) = (plan.allocate(128), plan.allocate(64))
        plan.release(first)
        plan.release(second)
        #expect(plan.allocate(192) == 0..<192)
        #expect(plan.count == 192)
    }
}
