import DPGraph
import ReferenceBackend
import Testing

@Suite("Dropout masks")
struct DropoutMaskTests {
    private func kept(_ mask: DropoutMask, key: UInt64, count: Int = 20_000) -> [Bool] {
        let state = mask.state(key: DropoutMask.pieces(of: key))
        return (0..<count).map { mask.keeps($0, state: state) }
    }

    @Test("The fraction of kept elements matches the probability", arguments: [0, 0.1, 0.3, 0.5, 0.99] as [Float])
    func share(probability: Float) {
        let kept = kept(DropoutMask(probability: probability, stream: 1), key: 7)
        let share = Float(kept.count { $0 }) / Float(kept.count)
        // Five standard deviations of a fraction of 20,000 elements.
        let deviation = (probability * (1 - probability) / 20_000).squareRoot()
        #expect(abs(share - (1 - probability)) <= 5 * deviation)
    }

    @Test("Masks of different keys, streams and neighbors are independent")
    func independence() {
        let mask = DropoutMask(probability: 0.5, stream: 1)
        let other = DropoutMask(probability: 0.5, stream: 2)
        let first = kept(mask, key: 7)
        #expect(first == kept(mask, key: 7))
        for second in [kept(mask, key: 8), kept(mask, key: 7 << 48), kept(other, key: 7), Array(first.dropFirst())] {
            let equal = zip(first, second).count { $0 == $1 }
            #expect(abs(Double(equal) / Double(second.count) - 0.5) < 0.02)
        }
    }

    @Test("Four floats represent a key exactly")
    func keys() {
        #expect(DropoutMask.pieces(of: 0xFFFF_0003_0002_0001) == [1, 2, 3, 65535])
        let mask = DropoutMask(probability: 0.5, stream: 0)
        let states = [0, 1, 0xFFFF, 0x1_0000, .max, 1 << 63].map { mask.state(key: DropoutMask.pieces(of: $0)) }
        #expect(Set(states).count == states.count)
    }

    @Test("The mask is a documented function of its key: these elements of stream 3 never change")
    func stability() {
        let mask = DropoutMask(probability: 0.5, stream: 3)
        let bits = kept(mask, key: 0x0123_4567_89AB_CDEF, count: 64).reduce(UInt64(0)) { $0 << 1 | ($1 ? 1 : 0) }
        #expect(String(bits, radix: 16) == "a28739abfac98e35")
    }
}
