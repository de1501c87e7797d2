import DPBase

/// Assembles the rows of an array from its chunks.
struct ZarrBandReader {
    private let array: ZarrArray
    private let metadata: ZarrMetadata
    /// The dimensions after the first, of the array and of its chunks.
    private let rowShape: [Int]
    private let rowChunks: [Int]

    /// The maximum size in bytes of a band: the rows of the array that lie within one row of chunks.
    static let maximumByteCount = 1 << 30

    init(_ array: ZarrArray) {
        self.array = array
        metadata = array.metadata
        rowShape = Array(metadata.shape.dropFirst())
        rowChunks = Array(metadata.chunks.dropFirst())
    }

    /// Returns the bytes of rows that lie within one row of chunks.
    func read(_ rows: Range<Int>) throws -> [UInt8] {
        let height = metadata.chunks.first ?? 1
        let chunkRow = rows.lowerBound / height
        precondition(rows.upperBound <= (chunkRow + 1) * height, "rows \(rows) in chunks of \(height)")
        let columns = metadata.grid.dropFirst()
        let firstRow = rows.lowerBound - chunkRow * height
        if columns.reduce(1, *) == 1, rowShape == rowChunks {
            // The common case: a chunk spans whole rows.
            let chunk = try chunk(metadata.shape.isEmpty ? [] : [chunkRow] + columns.map { _ in 0 })
            if rows.count == height { return chunk }
            return Array(chunk[firstRow * metadata.rowByteCount..<(firstRow + rows.count) * metadata.rowByteCount])
        }
        let byteCount = rows.count * metadata.rowByteCount
        guard byteCount <= Self.maximumByteCount else {
            throw InputError(
                at: array.path, key: "shape",
                expected: "at most \(Self.maximumByteCount) bytes in the rows of a chunk",
                found: "\(byteCount)", hint: "save the array in chunks of fewer rows")
        }
        if byteCount == 0 { return [] }
        try AvailableMemory.check(byteCount)
        // Read the last chunk first, and allocate the band after the first one, so that an array that lacks either of
        // them causes an error before memory for the whole band is allocated.
        let last = columns.map { $0 - 1 }
        let lastChunk = try chunk([chunkRow] + last)
        var band: [UInt8] = []
        try forEachIndex(in: Array(columns)) { column in
            let chunk = column == last ? lastChunk : try chunk([chunkRow] + column)
            if band.isEmpty { band = [UInt8](repeating: 0, count: byteCount) }
            copy(chunk, column: column, rows: firstRow..<firstRow + rows.count, to: &band)
        }
        return band
    }

    /// Copies the part of a chunk that lies inside the array, one contiguous run at a time.
    private func copy(_ chunk: [UInt8], column: [Int], rows: Range<Int>, to band: inout [UInt8]) {
        let size = metadata.elementType.byteCount
        let inside = zip(column, zip(rowShape, rowChunks)).map { min($1.1, $1.0 - $0 * $1.1) }
        let run = (inside.last ?? 1) * size
        forEachIndex(in: [rows.count] + inside.dropLast()) { index in
            var source = rows.lowerBound + index[0]
            var target = index[0]
            for (dimension, extent) in rowShape.enumerated() {
                let within = dimension + 1 < index.count ? index[dimension + 1] : 0
                source = source * rowChunks[dimension] + within
                target = target * extent + column[dimension] * rowChunks[dimension] + within
            }
            band.replaceSubrange(target * size..<target * size + run, with: chunk[source * size..<source * size + run])
        }
    }

    /// Returns the decoded bytes of a chunk.
    private func chunk(_ indices: [Int]) throws -> [UInt8] {
        let key = "\(array.name)/\(metadata.chunkName(indices))"
        let file = array.store.path(of: key)
        let count = metadata.chunkByteCount
        guard let bytes = try array.store.bytes(key, limit: Blosc.bound(count)) else {
            return try absentChunk(file)
        }
        try AvailableMemory.check(count)
        switch metadata.compression {
        case .blosc: return try Blosc.decompress(bytes, count: count, file: file)
        case .none:
            guard bytes.count == count else {
                throw InputError(
                    at: file, expected: "\(count) bytes", found: "\(bytes.count)",
                    hint: bytes.count < count ? "the chunk is cut short or compressed" : nil)
            }
            return bytes
        }
    }

    /// Returns the bytes to use for a missing chunk.
    private func absentChunk(_ file: String) throws -> [UInt8] {
        guard array.missingChunks == .fill, let fill = metadata.fillValue else {
            throw InputError(
                at: file, expected: "a chunk of \(metadata.elementType.zarr ?? "") \(shapeText(metadata.chunks))",
                found: "no such file",
                hint: metadata.fillValue == nil
                    ? "the array has no fill_value to use instead" : "missing chunks are not allowed here")
        }
        let (element, count) = (metadata.elementType.encode(fill), metadata.chunkByteCount)
        try AvailableMemory.check(count)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            for index in 0..<count { bytes[index] = element[index % element.count] }
            filled = count
        }
    }
}

/// Visits every index of a grid, the last dimension fastest.
func forEachIndex(in extents: [Int], _ visit: ([Int]) throws -> Void) rethrows {
    guard extents.allSatisfy({ $0 > 0 }) else { return }
    var index = extents.map { _ in 0 }
    while true {
        try visit(index)
        var dimension = extents.count - 1
        while dimension >= 0 {
            index[dimension] += 1
            if index[dimension] < extents[dimension] { break }
            index[dimension] = 0
            dimension -= 1
        }
        if dimension < 0 { return }
    }
}
