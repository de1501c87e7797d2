import DPBase
package import Foundation

/// Writes a zarr v2 hierarchy as a folder.
package struct ZarrWriter {
    private let folder: URL

    /// Creates a folder with everything that `body` writes; it appears complete or not at all.
    /// - Throws: `InputError` when `url` already exists, `FileSystemError`, or any error that `body` throws.
    package static func create(at url: URL, _ body: (ZarrWriter) throws -> Void) throws {
        try AtomicFolder.create(at: url) { try write(to: $0, body) }
    }

    /// Atomically replaces the folder at `url`, if any, with everything that `body` writes.
    /// - Throws: `FileSystemError`, or any error that `body` throws; the existing folder is then unchanged.
    package static func replace(at url: URL, _ body: (ZarrWriter) throws -> Void) throws {
        try AtomicFolder.replace(at: url) { try write(to: $0, body) }
    }

    private static func write(to temporary: URL, _ body: (ZarrWriter) throws -> Void) throws {
        let writer = ZarrWriter(folder: temporary)
        try writer.createGroup(at: temporary)
        try body(writer)
    }

    /// Writes numbers in single precision.
    /// - Parameters:
    ///   - name: the name in the hierarchy, `group/array`; groups are created.
    ///   - shape: the dimensions, at least one.
    ///   - values: the numbers, row-major.
    ///   - chunkRows: the number of rows per chunk; by default enough for about 256 KiB.
    ///   - compression: the compression of the chunks.
    /// - Throws: `FileSystemError`.
    package func write(
        _ name: String, shape: [Int], floats values: [Float], chunkRows: Int? = nil,
        compression: ZarrCompression = .blosc(BloscSettings())
    ) throws {
        try write(name, shape, .float32, values, chunkRows, compression)
    }

    /// Writes numbers in double precision; parameters as for numbers in single precision.
    /// - Throws: `FileSystemError`.
    package func write(
        _ name: String, shape: [Int], doubles values: [Double], chunkRows: Int? = nil,
        compression: ZarrCompression = .blosc(BloscSettings())
    ) throws {
        try write(name, shape, .float64, values, chunkRows, compression)
    }

    /// Writes 64-bit integers; parameters as for numbers in single precision.
    /// - Throws: `FileSystemError`.
    package func write(
        _ name: String, shape: [Int], integers values: [Int64], chunkRows: Int? = nil,
        compression: ZarrCompression = .blosc(BloscSettings())
    ) throws {
        try write(name, shape, .int64, values, chunkRows, compression)
    }

    /// Writes bytes; parameters as for numbers in single precision.
    /// - Throws: `FileSystemError`.
    package func write(
        _ name: String, shape: [Int], bytes values: [UInt8], chunkRows: Int? = nil,
        compression: ZarrCompression = .blosc(BloscSettings())
    ) throws {
        try write(name, shape, .uint8, values, chunkRows, compression)
    }

    private func write<Number: BitwiseCopyable>(
        _ name: String, _ shape: [Int], _ elementType: ElementType, _ values: [Number], _ chunkRows: Int?,
        _ compression: ZarrCompression
    ) throws {
        precondition(elementCount(shape) == values.count, "\(name): \(values.count) numbers for \(shapeText(shape))")
        precondition(!shape.isEmpty, "\(name): an array of no dimensions")
        let rowByteCount = max(shape.dropFirst().reduce(elementType.byteCount, *), 1)
        let height = min(max(1, chunkRows ?? (1 << 18) / rowByteCount), max(shape[0], 1))
        let metadata = ZarrMetadata(
            shape: shape, chunks: [height] + shape.dropFirst().map { max($0, 1) }, elementType: elementType,
            compression: compression, fillValue: 0, separator: ".")

        let parts = name.split(separator: "/").map(String.init)
        var place = folder
        for part in parts.dropLast() {
            place.appendPathComponent(part)
            try createGroup(at: place)
        }
        place.appendPathComponent(parts.last ?? name)
        try createFolder(at: place)
        try AtomicFile.write(metadata.json(), to: place.appendingPathComponent(".zarray"))
        guard !values.isEmpty else { return }
        try values.withUnsafeBytes { bytes in
            for row in 0..<metadata.grid[0] {
                var chunk = Array(
                    bytes[row * metadata.chunkByteCount..<min((row + 1) * metadata.chunkByteCount, bytes.count)])
                chunk.append(contentsOf: repeatElement(0, count: metadata.chunkByteCount - chunk.count))
                if case .blosc(let settings) = compression {
                    chunk = Blosc.compress(chunk, elementSize: elementType.byteCount, settings: settings)
                }
                let name = metadata.chunkName([row] + shape.dropFirst().map { _ in 0 })
                try AtomicFile.write(Data(chunk), to: place.appendingPathComponent(name))
            }
        }
    }

    private func createGroup(at url: URL) throws {
        guard !FileManager.default.fileExists(atPath: url.appendingPathComponent(".zgroup").path) else { return }
        try createFolder(at: url)
        try AtomicFile.write(Data("{\n    \"zarr_format\": 2\n}\n".utf8), to: url.appendingPathComponent(".zgroup"))
    }

    private func createFolder(at url: URL) throws {
        if mkdir(url.path, 0o755) == 0 { return try AtomicFile.flush(folder: url.deletingLastPathComponent()) }
        guard errno == EEXIST else { throw FileSystemError.last("create", url.path) }
    }
}
