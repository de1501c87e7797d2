import CDPBlosc
import DPBase

/// Blosc settings: the codec, the compression level, and the shuffle filter.
package struct BloscSettings: Sendable, Equatable {
    /// The codecs of Blosc.
    package enum Codec: String, Sendable, CaseIterable {
        /// BloscLZ.
        case blosclz
        /// LZ4, fast.
        case lz4
        /// LZ4 with high compression.
        case lz4hc
        /// Snappy.
        case snappy
        /// Deflate.
        case zlib
        /// Zstandard.
        case zstd
    }

    /// The filter that reorders bytes for better compression; the raw value is Blosc's constant.
    package enum Shuffle: Int32, Sendable {
        /// No reordering.
        case none = 0
        /// All first bytes of the numbers, then all second bytes, …
        case bytes = 1
        /// All first bits of the numbers, then all second bits, …
        case bits = 2
    }

    /// The codec.
    package var codec: Codec
    /// The compression level, from 0 (store) to 9 (smallest).
    package var level: Int
    /// The shuffle filter.
    package var shuffle: Shuffle

    /// Creates settings; by default Zstandard at level 5 with bit shuffle, as in the public datasets.
    package init(codec: Codec = .zstd, level: Int = 5, shuffle: Shuffle = .bits) {
        self.codec = codec
        self.level = level
        self.shuffle = shuffle
    }

    static let codecNames = Codec.allCases.map(\.rawValue).joined(separator: ", ")
}

extension BloscSettings {
    /// Reads settings from a `.zarray`, with the defaults of numcodecs; shuffle −1 leaves the choice to the writer.
    init?(_ compressor: ZarrMetadata.Document.Compressor) {
        let level = compressor.clevel ?? 5
        let order = compressor.shuffle ?? 1
        guard let codec = Codec(rawValue: compressor.cname ?? "lz4"), 0...9 ~= level,
            let shuffle = order == -1 ? .bytes : Shuffle(rawValue: Int32(clamping: order))
        else { return nil }
        self.init(codec: codec, level: level, shuffle: shuffle)
    }
}

extension ZarrMetadata.Document.Compressor {
    init(_ settings: BloscSettings) {
        self.init(
            id: "blosc", cname: settings.codec.rawValue, clevel: settings.level,
            shuffle: Int(settings.shuffle.rawValue),
            blocksize: 0)
    }
}

/// Blosc buffers: a header with codec and sizes, then compressed blocks.
enum Blosc {
    /// The maximum size of a compressed buffer for `count` bytes.
    static func bound(_ count: Int) -> Int { count + Int(BLOSC_MAX_OVERHEAD) }

    /// Decodes a buffer of exactly `count` bytes.
    ///
    /// Checks the size in the buffer's header before allocating memory.
    static func decompress(_ bytes: [UInt8], count: Int, file: String) throws -> [UInt8] {
        let size = try checkedSize(of: bytes, file: file)
        guard size == count else {
            throw InputError(at: file, expected: "a chunk of \(count) bytes when decoded", found: "\(size)")
        }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let decoded = blosc_decompress_ctx(bytes, buffer.baseAddress, count, 1)
            guard decoded == count else {
                let codec = blosc_cbuffer_complib(bytes).map { String(cString: $0) } ?? "an unknown codec"
                throw InputError(
                    at: file, expected: "\(count) bytes compressed by \(codec)",
                    found: "damaged data (Blosc error \(decoded))")
            }
            filled = count
        }
    }

    /// Returns the decoded size of a buffer after checking that its header agrees with its length.
    private static func checkedSize(of bytes: [UInt8], file: String) throws -> Int {
        var size = 0
        guard bytes.count >= BLOSC_MIN_HEADER_LENGTH else {
            throw InputError(
                at: file, expected: "a Blosc buffer of at least \(BLOSC_MIN_HEADER_LENGTH) bytes",
                found: "\(bytes.count)", hint: "the chunk is cut short")
        }
        guard blosc_cbuffer_validate(bytes, bytes.count, &size) == 0 else {
            let claimed = bytes.withUnsafeBytes {
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
            }
            throw InputError(
                at: file, expected: "a Blosc buffer of \(bytes.count) bytes",
                found: claimed == bytes.count ? "a damaged header" : "a header that says \(claimed) bytes",
                hint: "the chunk is cut short or was compressed by something else")
        }
        return size
    }

    /// Compresses the bytes of numbers of `elementSize` bytes each.
    ///
    /// The result is deterministic.
    static func compress(_ bytes: [UInt8], elementSize: Int, settings: BloscSettings) -> [UInt8] {
        let bound = bound(bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            let size = blosc_compress_ctx(
                Int32(settings.level), settings.shuffle.rawValue, elementSize, bytes.count, bytes, buffer.baseAddress,
                bound, settings.codec.rawValue, 0, 1)
            precondition(size > 0, "Blosc cannot compress \(bytes.count) bytes: \(size)")
            count = Int(size)
        }
    }
}
