import DPBase
import DPInterface

/// A checksum of a policy's weights in single precision: the hash FNV-1a over 64-bit words in four lanes, because
/// each multiplication in a lane depends on the one before it.
///
/// It detects damage, but does not protect against forgery.
struct WeightChecksum {
    private var lanes = [UInt64](repeating: FNV1a().value, count: 4)
    private static let prime: UInt64 = 0x0000_0100_0000_01B3

    /// Adds the bits of a parameter's values; values after the last whole group of eight go to the first lane, one
    /// word each.
    mutating func combine(_ values: UnsafeBufferPointer<Float>) {
        let bytes = UnsafeRawBufferPointer(values)
        let (size, whole) = (lanes.count * 8, bytes.count / (lanes.count * 8) * (lanes.count * 8))
        lanes.withUnsafeMutableBufferPointer { lanes in
            var (first, second, third, fourth) = (lanes[0], lanes[1], lanes[2], lanes[3])
            for start in stride(from: 0, to: whole, by: size) {
                func word(_ lane: Int) -> UInt64 {
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8 * lane, as: UInt64.self))
                }
                first = (first ^ word(0)) &* Self.prime
                second = (second ^ word(1)) &* Self.prime
                third = (third ^ word(2)) &* Self.prime
                fourth = (fourth ^ word(3)) &* Self.prime
            }
            for value in values[(whole / MemoryLayout<Float>.stride)...] {
                first = (first ^ UInt64(value.bitPattern)) &* Self.prime
            }
            (lanes[0], lanes[1], lanes[2], lanes[3]) = (first, second, third, fourth)
        }
    }

    /// The checksum as 16 hexadecimal digits.
    var hexadecimal: String {
        var hash = FNV1a()
        for lane in lanes { hash.combine(lane) }
        return hash.hexadecimal
    }
}
