import Foundation

/// How an array is compressed, chunk by chunk.
public enum ZarrCompression: Sendable, Equatable {
    /// Chunks hold the numbers as they are.
    case none
    /// Chunks are Blosc buffers.
    case blosc(BloscSettings)
}

/// What the `.zarray` of a zarr v2 array says: its shape and how it is cut into chunks.
///
/// (Zarr storage specification, version 2.)
public struct ZarrMetadata: Sendable, Equatable {
    /// The dimensions, the slowest first.
    public var shape: [Int]
    /// The dimensions of a chunk; chunks at the edge are as large as all others.
    public var chunks: [Int]
    /// How a number is stored, little-endian.
    public var elementType: ElementType
    /// How a chunk is stored.
    public var compression: ZarrCompression
    /// The number that absent chunks stand for, if there is one.
    public var fillValue: Double?
    /// What separates the indices in the name of a chunk: `.` or `/`.
    public var separator: String

    /// The largest chunk that is read, in bytes; what a chunk claims to hold is allocated at once, so there has to be
    /// a bound.
    public static let maximumChunkByteCount = 1 << 29

    /// The bytes of a chunk when decoded.
    public var chunkByteCount: Int { chunks.reduce(elementType.byteCount, *) }
    /// How many chunks there are along each dimension.
    var grid: [Int] { zip(shape, chunks).map { ($0 + $1 - 1) / $1 } }
    /// The bytes of one row, that is, of all numbers at one index of the first dimension.
    var rowByteCount: Int { shape.dropFirst().reduce(elementType.byteCount, *) }

    /// The file of a chunk, from its place in the grid.
    func chunkName(_ indices: [Int]) -> String {
        indices.isEmpty ? "0" : indices.map(String.init).joined(separator: separator)
    }
}

extension ZarrMetadata {
    /// Reads and checks the text of a `.zarray`.
    init(json: [UInt8], file: String) throws {
        func failure(_ key: String, expected: String, found: String, hint: String? = nil) -> TensorFileError {
            TensorFileError(file: file, key: key, expected: expected, found: found, hint: hint)
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch let error as DecodingError {
            throw TensorFileError(file: file, expected: "the JSON of a zarr v2 array", found: error.reason)
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
        // With dimensions of 0 counted as 1, so that every product of some of them is bounded as well.
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

    /// The text of a `.zarray` with these settings.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(Document(self))
    }
}

extension ElementType {
    /// The type of a zarr v2 `dtype`, or `nil` if it is big-endian or no number.
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
