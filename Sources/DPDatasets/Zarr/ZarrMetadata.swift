package import DPBase
import Foundation

/// The compression of an array's chunks.
package enum ZarrCompression: Sendable, Equatable {
    /// Chunks hold the raw numbers.
    case none
    /// Chunks are Blosc buffers.
    case blosc(BloscSettings)
}

/// The contents of the `.zarray` file of a zarr v2 array: its shape, chunks and storage.
///
/// (Zarr storage specification, version 2.)
package struct ZarrMetadata: Sendable, Equatable {
    /// The dimensions, slowest first.
    package var shape: [Int]
    /// The dimensions of a chunk; chunks at the edge have the full size.
    package var chunks: [Int]
    /// The stored type of the numbers, little-endian.
    package var elementType: ElementType
    /// The compression of the chunks.
    package var compression: ZarrCompression
    /// The fill value of absent chunks; nil if there is none.
    package var fillValue: Double?
    /// The separator of the indices in the name of a chunk: `.` or `/`.
    package var separator: String

    /// The maximum size of a chunk in bytes.
    ///
    /// A chunk's claimed size is allocated at once, so it needs a bound.
    package static let maximumChunkByteCount = 1 << 29

    /// The size of a decoded chunk in bytes.
    package var chunkByteCount: Int { chunks.reduce(elementType.byteCount, *) }
    /// The number of chunks along each dimension.
    var grid: [Int] { zip(shape, chunks).map { ($0 + $1 - 1) / $1 } }
    /// The size in bytes of one row, that is, of all numbers at one index of the first dimension.
    var rowByteCount: Int { shape.dropFirst().reduce(elementType.byteCount, *) }

    /// Returns the file name of a chunk from its position in the grid.
    func chunkName(_ indices: [Int]) -> String {
        indices.isEmpty ? "0" : indices.map(String.init).joined(separator: separator)
    }
}

extension ZarrMetadata {
    /// Reads and checks the text of a `.zarray`.
    init(json: [UInt8], file: String) throws {
        func failure(_ key: String, expected: String, found: String, hint: String? = nil) -> InputError {
            InputError(at: file, key: key, expected: expected, found: found, hint: hint)
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch let error as DecodingError {
            throw InputError(at: file, expected: "the JSON of a zarr v2 array", found: error.reason)
        }
        guard document.format == 2 else {
            throw failure("zarr_format", expected: "2", found: "\(document.format)")
        }
        guard document.order == "C" else {
            throw failure("order", expected: "C (row-major)", found: document.order, hint: "save the array in C order")
        }
        guard document.filters?.isEmpty ?? true else {
            throw failure("filters", expected: "none", found: "\(document.filters?.count ?? 0)")
        }
        guard let elementType = ElementType(zarr: document.dtype) else {
            throw failure(
                "dtype", expected: "a little-endian number such as <f4, <f8, <i8 or |u1", found: document.dtype)
        }
        guard ["", ".", "/"].contains(document.separator ?? "") else {
            throw failure("dimension_separator", expected: ". or /", found: document.separator ?? "")
        }
        // Dimensions of 0 count as 1, so that every product of a subset of them is bounded as well.
        guard document.shape.allSatisfy({ $0 >= 0 }), let count = elementCount(document.shape.map { max($0, 1) }),
            count <= Int.max / 16
        else {
            throw failure(
                "shape", expected: "dimensions whose product fits in memory", found: shapeText(document.shape))
        }
        guard document.chunks.count == document.shape.count, document.chunks.allSatisfy({ $0 >= 1 }) else {
            throw failure(
                "chunks", expected: "\(document.shape.count) numbers, each at least 1",
                found: shapeText(document.chunks))
        }
        guard let size = elementCount(document.chunks + [elementType.byteCount]), size <= Self.maximumChunkByteCount
        else {
            throw failure(
                "chunks", expected: "chunks of at most \(Self.maximumChunkByteCount) bytes",
                found: shapeText(document.chunks), hint: "save the array in smaller chunks")
        }
        compression = .none
        if let compressor = document.compressor {
            guard compressor.id == "blosc" else {
                throw failure(
                    "compressor.id", expected: "blosc or no compressor", found: compressor.id,
                    hint: "save the array with Blosc")
            }
            guard let settings = BloscSettings(compressor) else {
                throw failure(
                    "compressor", expected: "a Blosc codec (\(BloscSettings.codecNames)) and shuffle -1, 0, 1 or 2",
                    found: "\(compressor.cname ?? "lz4"), \(compressor.shuffle ?? 1)")
            }
            compression = .blosc(settings)
        }
        shape = document.shape
        chunks = document.chunks
        self.elementType = elementType
        fillValue = document.fillValue?.number
        separator = document.separator ?? "."
        if separator.isEmpty { separator = "." }
    }

    /// Returns the text of a `.zarray` with these settings.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(Document(self))
    }
}

extension ElementType {
    /// Creates the type from a zarr v2 `dtype`; nil if it is big-endian or not numeric.
    init?(zarr dtype: String) {
        let match = Self.allCases.first { type in
            guard let name = type.zarr else { return false }
            return name.dropFirst() == dtype.dropFirst()
                && (dtype.first == "<" || dtype.first == "|" && type.byteCount == 1)
        }
        guard let match else { return nil }
        self = match
    }

    /// The zarr v2 `dtype`; bfloat16 has none.
    var zarr: String? {
        switch self {
        case .float64: "<f8"
        case .float32: "<f4"
        case .float16: "<f2"
        case .bfloat16: nil
        case .int64: "<i8"
        case .int32: "<i4"
        case .int16: "<i2"
        case .int8: "|i1"
        case .uint64: "<u8"
        case .uint32: "<u4"
        case .uint16: "<u2"
        case .uint8: "|u1"
        case .bool: "|b1"
        }
    }
}
