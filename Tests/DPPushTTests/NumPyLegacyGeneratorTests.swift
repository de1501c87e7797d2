import Testing

@testable import DPPushT

/// Compares NumPy's legacy generator with numbers from NumPy 2.4.
@Suite struct NumPyLegacyGeneratorTests {
    struct Known: Sendable {
        let seed: UInt64
        let firstBits: [UInt32]
        let bitsAfterThousand: UInt32
        let integers: [Int]
        let normals: [Double]
        let uniform: Double
    }

    static let known: [Known] = [
        Known(
            seed: 0, firstBits: [2_357_136_044, 2_546_248_239, 3_071_714_933],
            bitsAfterThousand: 1_333_075_495, integers: [222, 97, 217, 292],
            normals: [0.9787379841057392, 2.240893199201458, 1.8675579901499675], uniform: 0.4375872112626925),
        Known(
            seed: 42, firstBits: [1_608_637_542, 3_421_126_067, 4_083_286_876],
            bitsAfterThousand: 2_998_581_749, integers: [152, 398, 370, 206],
            normals: [0.473860833744823, 1.368450123265755, -0.9168268438183719], uniform: 0.45924889196586716),
        Known(
            seed: 100_000, firstBits: [1_235_064_505, 4_034_894_410, 2_182_909_370],
            bitsAfterThousand: 2_399_802_626, integers: [235, 124, 335, 128],
            normals: [0.35597632662673595, -1.631511830850299, 0.7089391619815019], uniform: 0.9274179332831991),
        Known(
            seed: 4_294_967_295, firstBits: [419_326_371, 479_346_978, 3_918_654_476],
            bitsAfterThousand: 1_661_208_369, integers: [340, 62, 171, 164],
            normals: [0.0813036681172692, 0.4096851233481656, 0.31595808265170017], uniform: 0.4142464457254096),
        Known(
            seed: 4_294_967_296, firstBits: [485_306_839, 1_508_871_100, 1_794_561_286],
            bitsAfterThousand: 1_608_289_731, integers: [312, 260, 383, 369],
            normals: [1.2310258097448366, 0.4499700450971118, 0.5360830153297873], uniform: 0.4518156201690309),
        Known(
            seed: 18_446_744_073_709_551_615, firstBits: [93_740_670, 1_068_495_656, 1_452_108_352],
            bitsAfterThousand: 888_869_258, integers: [176, 346, 164, 375],
            normals: [0.5128997177558176, -1.2832183469309149, -0.2120512904379356], uniform: 0.732112450119449),
    ]

    @Test(arguments: known) func bits(_ known: Known) {
        var random = NumPyLegacyGenerator(seed: known.seed)
        for expected in known.firstBits { #expect(random.bits() == expected) }
        random = NumPyLegacyGenerator(seed: known.seed)
        for _ in 0..<1000 { _ = random.bits() }
        #expect(random.bits() == known.bitsAfterThousand)
    }

    /// The draws of a Push-T reset, and then one more pair of normal numbers and a uniform one.
    @Test(arguments: known) func draws(_ known: Known) {
        var random = NumPyLegacyGenerator(seed: known.seed)
        let ranges = [50..<450, 50..<450, 100..<400, 100..<400]
        #expect(ranges.map { random.integer(in: $0) } == known.integers)
        for expected in known.normals { #expect(abs(random.normal() - expected) <= 1e-15 * abs(expected)) }
        #expect(random.uniform() == known.uniform)
    }

    @Test func rangeOfOneDrawsNothing() {
        var random = NumPyLegacyGenerator(seed: 0)
        #expect(random.integer(in: 7..<8) == 7)
        #expect(random.bits() == 2_357_136_044)
    }
}
