import DPBase
import Testing

private let key = RandomKey(seed: 7)

@Test func sameKeySameNumbers() {
    #expect(RandomKey(seed: 7).bits(at: 3) == key.bits(at: 3))
    #expect(key.folding(2).folding(5).bits(at: 0) == RandomKey(seed: 7).folding(2).folding(5).bits(at: 0))
}

@Test func differentPurposesHaveDifferentNumbers() {
    var seen: Set<UInt64> = []
    for seed in 0..<10 {
        for purpose in 0..<10 {
            for index in 0..<10 {
                seen.insert(RandomKey(seed: UInt64(seed)).folding(purpose).bits(at: index))
            }
        }
    }
    #expect(seen.count == 1000)
    #expect(key.folding(1).folding(2) != key.folding(2).folding(1))
}

/// A resumed training run must draw the same numbers as the interrupted one: the sequence is part of the file
/// format.
@Test func sequenceNeverChanges() {
    #expect(RandomKey(seed: 0).bits(at: 0) == 0xA706_DD2F_4D19_7E6F)
    #expect(RandomKey(seed: 42).folding(3).bits(at: 9) == 0x6F20_10A7_1089_8A49)
}

/// A server receives the seed of a key and creates the same key from it.
@Test func everyKeyIsTheRootOfASeed() {
    for seed in [0, 1, 42, UInt64.max] { #expect(RandomKey(seed: seed).seed == seed) }
    for index in 0..<100 {
        let child = key.folding(index).folding("noise")
        #expect(RandomKey(seed: child.seed) == child)
    }
}

@Test func uniformNumbersFillTheirRange() {
    let values = (0..<10_000).map { key.uniform(at: $0) }
    #expect(values.allSatisfy { 0 <= $0 && $0 < 1 })
    #expect(abs(values.reduce(0, +) / 10_000 - 0.5) < 0.01)

    var counts = [Int](repeating: 0, count: 6)
    for index in 0..<12_000 { counts[key.integer(below: 6, at: index)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 2000) < 200 }, "\(counts)")
}

@Test func normalNumbersHaveNormalMoments() {
    var values = [Float](repeating: .nan, count: 100_001)
    key.fillNormal(&values)
    func moment(_ power: Int) -> Double {
        values.reduce(0) { sum, value in sum + (0..<power).reduce(1.0) { product, _ in product * Double(value) } }
            / Double(values.count)
    }
    #expect(values.allSatisfy { $0.isFinite })
    #expect(abs(moment(1)) < 0.02)
    #expect(abs(moment(2) - 1) < 0.02)
    #expect(abs(moment(3)) < 0.05)
    #expect(abs(moment(4) - 3) < 0.1)
    let neighbors = zip(values, values.dropFirst()).reduce(0) { $0 + Double($1.0 * $1.1) } / Double(values.count)
    #expect(abs(neighbors) < 0.02)
}

@Test func shorterFillIsAPrefix() {
    var long = [Float](repeating: 0, count: 9)
    var short = [Float](repeating: 0, count: 5)
    key.fillNormal(&long)
    key.fillNormal(&short)
    #expect(Array(long[..<5]) == short)
}

@Test(arguments: [0, 1, 2, 100])
func permutationHoldsEveryNumberOnce(count: Int) {
    let order = key.permutation(count: count)
    #expect(order.sorted() == Array(0..<count))
    #expect(order == key.permutation(count: count))
}

@Test func permutationsAreFair() {
    var firstPlace = [Int](repeating: 0, count: 4)
    for purpose in 0..<4000 { firstPlace[key.folding(purpose).permutation(count: 4)[0]] += 1 }
    #expect(firstPlace.allSatisfy { abs($0 - 1000) < 150 }, "\(firstPlace)")
}
