import CDPKernels
import Testing

@testable import DPCPU

/// Numbers in memory for kernels to read and write, followed by guard bytes.
final class KernelArray {
    let format: ck_format
    let count: Int
    let start: UnsafeMutableRawPointer

    private static let guardBytes: [UInt8] = Array("end of the array".utf8)

    /// Stores numbers, rounded to the format.
    init(_ values: [Float], as format: ck_format = ck_float32) {
        self.format = format
        count = values.count
        let byteCount = count * (format == ck_float32 ? 4 : 2)
        start = .allocate(byteCount: byteCount + Self.guardBytes.count, alignment: 64)
        for (index, value) in values.enumerated() {
            if format == ck_float32 {
                start.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
            } else {
                start.storeBytes(of: rounded(value), toByteOffset: 2 * index, as: UInt16.self)
            }
        }
        for (index, byte) in Self.guardBytes.enumerated() {
            start.storeBytes(of: byte, toByteOffset: byteCount + index, as: UInt8.self)
        }
    }

    /// Allocates space for numbers, filled with NaN.
    convenience init(count: Int, as format: ck_format = ck_float32) {
        self.init([Float](repeating: .nan, count: count), as: format)
    }

    deinit { start.deallocate() }

    var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }
    var halves: UnsafeMutablePointer<UInt16> { start.assumingMemoryBound(to: UInt16.self) }

    /// The current numbers.
    var values: [Float] {
        (0..<count).map { format == ck_float32 ? floats[$0] : Float(bitPattern: UInt32(halves[$0]) << 16) }
    }

    /// The current numbers, for sums in double precision.
    var doubles: [Double] { values.map(Double.init) }

    /// Whether nothing was written past the end.
    var isIntact: Bool {
        let end = start + count * (format == ck_float32 ? 4 : 2)
        return Self.guardBytes.indices.allSatisfy {
            end.load(fromByteOffset: $0, as: UInt8.self) == Self.guardBytes[$0]
        }
    }
}

/// Returns the nearest bf16 number, ties to even, by comparing the neighbors instead of adding to the bits.
func rounded(_ value: Float) -> UInt16 {
    if value.isNaN { return UInt16(value.bitPattern >> 16) | 0x40 }
    let below = value.bitPattern >> 16
    let rest = value.bitPattern & 0xFFFF
    let isUp = rest > 0x8000 || (rest == 0x8000 && below % 2 == 1)
    return UInt16(isUp ? below + 1 : below)
}

/// Returns the largest difference, in units of the largest expected number; infinite if one of them is NaN.
func distance(_ found: [Float], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    let differences = zip(found, expected).map { abs(Double($0) - $1) }
    guard differences.allSatisfy({ !$0.isNaN }) else { return .infinity }
    return (differences.max() ?? 0) / Swift.max(largest, 1e-30)
}

extension ck_format {
    /// Error that rounding a result adds to that of float32 sums.
    var tolerance: Double { self == ck_float32 ? 2e-6 : 1 / 256 }
}

extension InstructionSet {
    /// Sets that the processor supports and the process may use.
    static let usable = allCases.filter { $0.level.rawValue <= ck_current_level().rawValue }

    /// Runs `body` with these instructions for the kernels that the calling thread starts.
    func run<Result>(_ body: () throws -> Result) rethrows -> Result {
        ck_cap_level_of_thread(level)
        defer { ck_cap_level_of_thread(ck_avx512_bf16) }
        return try body()
    }
}
