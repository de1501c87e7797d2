import DPBase

/// An array of a zarr v2 hierarchy, read row by row.
///
/// A row is all numbers at one index of the first dimension.
///
/// It holds no numbers: chunks are read and decoded on demand.
package struct ZarrArray {
    /// How to handle missing chunks.
    package enum MissingChunks: Sendable {
        /// Read them as the array's fill value, as the format specifies; an error if there is no fill value.
        case fill
        /// Throw an error.
        case refuse
    }

    /// The name in the hierarchy: `data/state`.
    package let name: String
    /// Shape, chunks and storage.
    package let metadata: ZarrMetadata
    /// How to handle missing chunks.
    package let missingChunks: MissingChunks
    let store: any ZarrStore

    /// The maximum count of numbers to decode at once; larger arrays are read in pieces.
    static let maximumCount = 1 << 30

    init(_ name: String, in store: any ZarrStore, missingChunks: MissingChunks) throws {
        let file = store.path(of: name + "/.zarray")
        guard let json = try store.bytes(name + "/.zarray", limit: 1 << 20) else {
            throw InputError(at: file, expected: "a zarr v2 array", found: "no such file")
        }
        self.name = name
        self.store = store
        self.missingChunks = missingChunks
        metadata = try ZarrMetadata(json: json, file: file)
    }

    /// The dimensions.
    package var shape: [Int] { metadata.shape }
    /// The path to use in errors.
    package var path: String { store.path(of: name) }
    /// The number of rows; a single number counts as one row.
    package var rowCount: Int { metadata.shape.first ?? 1 }
    /// The number of values per row.
    package var rowWidth: Int { metadata.rowByteCount / metadata.elementType.byteCount }

    /// Returns the number of missing chunks and the number of chunks in the grid.
    /// - Throws: `FileSystemError`.
    package func absentChunks() throws -> (absent: Int, of: Int) {
        let grid = metadata.grid
        let count = grid.reduce(1, *)
        let isNested = metadata.separator == "/" && grid.count > 1
        /// Counts the chunks below a key, which is a prefix of their indices.
        func present(_ key: String, depth: Int) throws -> Int {
            let extents = isNested ? Array(grid[depth...depth]) : grid
            let names = try store.children(of: key).filter { Self.isChunk($0, in: extents) }
            guard isNested, depth < grid.count - 1 else { return names.count }
            return try names.reduce(0) { try $0 + present("\(key)/\($1)", depth: depth + 1) }
        }
        return (count == 0 ? 0 : count - min(try present(name, depth: 0), count), count)
    }

    /// Whether a name is that of a chunk in the grid.
    private static func isChunk(_ name: String, in grid: [Int]) -> Bool {
        if grid.isEmpty { return name == "0" }
        let indices = name.split(separator: ".", omittingEmptySubsequences: false)
        return indices.count == grid.count
            && zip(indices, grid).allSatisfy { text, extent in
                Int(text).map { (0..<extent).contains($0) && "\($0)" == text } ?? false
            }
    }

    /// Reads rows in single precision, row-major; all rows by default.
    /// - Throws: `InputError` or `FileSystemError`, with the chunk.
    package func floats(rows: Range<Int>? = nil) throws -> [Float] {
        let rows = rows ?? 0..<rowCount
        let count = try checkedCount(rows)
        return try [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            try forEachBand(in: rows) { _, bytes in
                let end = filled + bytes.count / metadata.elementType.byteCount
                metadata.elementType.decode(bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[filled..<end]))
                filled = end
            }
        }
    }

    /// Reads all rows in double precision, row-major.
    /// - Throws: `InputError` or `FileSystemError`, with the chunk.
    package func doubles() throws -> [Double] {
        let count = try checkedCount(0..<rowCount)
        try AvailableMemory.check(count, of: Double.self)
        var values: [Double] = []
        values.reserveCapacity(count)
        try forEachBand(in: 0..<rowCount) { _, bytes in values += metadata.elementType.decodeDoubles(bytes) }
        return values
    }

    /// Reads rows of integers, row-major; all rows by default.
    /// - Throws: `InputError` or `FileSystemError`, with the array or the chunk.
    package func integers(rows: Range<Int>? = nil) throws -> [Int64] {
        let rows = rows ?? 0..<rowCount
        var values: [Int64] = []
        let count = try checkedCount(rows)
        // The numbers of one band, in addition to all numbers.
        try AvailableMemory.check(2 * count, of: Int64.self)
        values.reserveCapacity(count)
        try forEachBand(in: rows) { _, bytes in
            guard let decoded = metadata.elementType.decodeIntegers(bytes) else {
                throw InputError(
                    at: path, key: "dtype", expected: "whole numbers of 64 bits",
                    found: metadata.elementType.zarr ?? "")
            }
            values.append(contentsOf: decoded)
        }
        return values
    }

    /// Visits rows in order, one chunk height at a time, so that arrays larger than memory can be read.
    /// - Parameters:
    ///   - rows: the range of rows.
    ///   - visit: receives the rows of a band and their bytes, row-major and little-endian.
    /// - Throws: `InputError` or `FileSystemError`, with the chunk, or any error that `visit` throws.
    package func forEachBand(
        in rows: Range<Int>, _ visit: (_ rows: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows \(rows) of \(rowCount) of \(path)")
        let reader = ZarrBandReader(self)
        let height = metadata.chunks.first ?? 1
        var start = rows.lowerBound
        while start < rows.upperBound {
            let end = min((start / height + 1) * height, rows.upperBound)
            try reader.read(start..<end).withUnsafeBytes { try visit(start..<end, $0) }
            start = end
        }
    }

    /// Visits rows in order in single precision, one chunk height at a time.
    /// - Parameters:
    ///   - rows: the range of rows.
    ///   - visit: receives the rows of a band and their numbers, row-major.
    /// - Throws: `InputError` or `FileSystemError`, with the chunk, or any error that `visit` throws.
    package func forEachBandOfFloats(
        in rows: Range<Int>, _ visit: (_ rows: Range<Int>, _ numbers: UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        var numbers: [Float] = []
        try forEachBand(in: rows) { band, bytes in
            let count = bytes.count / metadata.elementType.byteCount
            if numbers.count < count {
                try AvailableMemory.check(count, of: Float.self)
                numbers = [Float](repeating: 0, count: count)
            }
            try numbers.withUnsafeMutableBufferPointer { buffer in
                let numbers = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
                metadata.elementType.decode(bytes, into: numbers)
                try visit(band, UnsafeBufferPointer(numbers))
            }
        }
    }

    /// Returns the count of numbers in some rows; checks that they exist before the caller allocates memory for
    /// them.
    private func checkedCount(_ rows: Range<Int>) throws -> Int {
        let (count, overflow) = rows.count.multipliedReportingOverflow(by: rowWidth)
        guard !overflow, count <= Self.maximumCount else {
            throw InputError(
                at: path, key: "shape", expected: "at most \(Self.maximumCount) numbers at once",
                found: shapeText(shape))
        }
        if missingChunks == .refuse, !rows.isEmpty {
            _ = try ZarrBandReader(self).read(rows.upperBound - 1..<rows.upperBound)
        }
        try AvailableMemory.check(count, of: Float.self)
        return count
    }
}
