/// Assigns blocks of memory in one arena so that blocks that are live at the same time do not overlap.
struct MemoryPlan {
    /// Length of the arena in bytes.
    private(set) var count = 0
    private var free: [Range<Int>] = []

    /// Takes the smallest free block that is large enough, or extends the arena; blocks begin at cache lines.
    mutating func allocate(_ count: Int) -> Range<Int> {
        let length = (count + 63) / 64 * 64
        let fitting = free.indices.filter { free[$0].count >= length }
        if let index = fitting.min(by: { free[$0].count < free[$1].count }) {
            let place = free[index]
            let taken = place.lowerBound..<place.lowerBound + length
            if taken.count == place.count {
                free.remove(at: index)
            } else {
                free[index] = taken.upperBound..<place.upperBound
            }
            return taken
        }
        if let last = free.last, last.upperBound == self.count {
            free.removeLast()
            self.count = last.lowerBound + length
            return last.lowerBound..<self.count
        }
        defer { self.count += length }
        return self.count..<self.count + length
    }

    /// Returns a block to the free list.
    mutating func release(_ place: Range<Int>) {
        let index = free.firstIndex { $0.lowerBound > place.lowerBound } ?? free.count
        free.insert(place, at: index)
        if index + 1 < free.count, free[index].upperBound == free[index + 1].lowerBound {
            free[index] = free[index].lowerBound..<free[index + 1].upperBound
            free.remove(at: index + 1)
        }
        if index > 0, free[index - 1].upperBound == free[index].lowerBound {
            free[index - 1] = free[index - 1].lowerBound..<free[index].upperBound
            free.remove(at: index)
        }
    }
}
