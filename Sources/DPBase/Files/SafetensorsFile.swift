package import Foundation

/// A safetensors file open for reading: eight bytes with the length of a JSON header, the header, then the bytes of
/// all tensors.
///
/// Opening it reads and checks only the header; each tensor is read on request.
package final class SafetensorsFile: Sendable {
    /// The shape, type and location of a tensor.
    package struct Entry: Sendable, Equatable {
        /// The dimensions; empty for a single number.
        package let shape: [Int]
        /// The element type.
        package let elementType: ElementType
        /// The location of the numbers, in bytes from the start of the file.
        package let byteRange: Range<Int>

        /// The number of elements of the tensor.
        package var count: Int { byteRange.count / elementType.byteCount }
    }

    /// The tensors by name.
    package let tensors: [String: Entry]
    /// Free text by key, the header's `__metadata__`.
    package let metadata: [String: String]
    private let source: FileSource

    /// Opens a file and checks its header.
    /// - Throws: `FileSystemError`, or `InputError` if the header contradicts itself or the size of the file.
    package init(contentsOf url: URL) throws {
        source = try FileSource(path: url.path)
        let header = try SafetensorsHeader(source)
        tensors = header.tensors
        metadata = header.metadata
    }

    /// The path of the file.
    package var path: String { source.path }

    /// Returns the entry of a tensor.
    /// - Throws: `InputError` if there is no such tensor, or if its shape differs from the given one.
    package func entry(_ name: String, shape: [Int]? = nil) throws -> Entry {
        guard let entry = tensors[name] else {
            let names = tensors.keys.sorted().prefix(8).joined(separator: ", ")
            throw InputError(
                at: path, key: name, expected: "a tensor of this name",
                found: tensors.count > 8 ? "\(tensors.count) others (\(names), …)" : "only: \(names)")
        }
        if let shape, shape != entry.shape {
            throw InputError(
                at: path, key: name, expected: "shape \(shapeText(shape))", found: shapeText(entry.shape))
        }
        return entry
    }

    /// Reads a tensor in single precision, row-major.
    /// - Throws: as `entry(_:shape:)`, or `FileSystemError`.
    package func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
        let entry = try entry(name, shape: shape)
        try AvailableMemory.check(entry.count, of: Float.self)
        return try [Float](unsafeUninitializedCapacity: entry.count) { buffer, count in
            try readFloats(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<entry.count]))
            count = entry.count
        }
    }

    /// Reads a tensor in single precision into the caller's memory.
    /// - Precondition: `values` has as many numbers as the tensor.
    /// - Throws: as `entry(_:shape:)`, or `FileSystemError`.
    package func readFloats(_ name: String, into values: UnsafeMutableBufferPointer<Float>) throws {
        let entry = try entry(name)
        precondition(values.count == entry.count, "\(entry.count) numbers of \(name) into \(values.count)")
        if entry.elementType == .float32 {
            try source.read(at: entry.byteRange.lowerBound, into: UnsafeMutableRawBufferPointer(values))
            return
        }
        // Reads in pieces, so that each is still in the cache when it is decoded.
        let (size, piece) = (entry.elementType.byteCount, 16384)
        try withUnsafeTemporaryAllocation(byteCount: piece * size, alignment: size) { bytes in
            for start in stride(from: 0, to: entry.count, by: piece) {
                let end = min(start + piece, entry.count)
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<((end - start) * size)])
                try source.read(at: entry.byteRange.lowerBound + start * size, into: part)
                entry.elementType.decode(
                    UnsafeRawBufferPointer(part), into: UnsafeMutableBufferPointer(rebasing: values[start..<end]))
            }
        }
    }

    /// Reads a tensor in double precision, row-major.
    /// - Throws: as `entry(_:shape:)`, or `FileSystemError`.
    package func doubles(_ name: String, shape: [Int]? = nil) throws -> [Double] {
        let entry = try entry(name, shape: shape)
        return try source.bytes(entry.byteRange).withUnsafeBytes { entry.elementType.decodeDoubles($0) }
    }

    /// Reads a tensor of whole numbers, row-major.
    /// - Throws: as `entry(_:shape:)`, and if the numbers are not whole or do not fit in 64 bits; or
    ///   `FileSystemError`.
    package func integers(_ name: String, shape: [Int]? = nil) throws -> [Int64] {
        let entry = try entry(name, shape: shape)
        try AvailableMemory.check(2 * entry.count, of: Int64.self)
        let values = try source.bytes(entry.byteRange).withUnsafeBytes { entry.elementType.decodeIntegers($0) }
        guard let values else {
            throw InputError(
                at: path, key: name, expected: "whole numbers of 64 bits", found: entry.elementType.rawValue)
        }
        return values
    }

    /// Reads the stored bytes of a tensor, little-endian.
    /// - Throws: as `entry(_:shape:)`, or `FileSystemError`.
    package func bytes(_ name: String) throws -> [UInt8] { try source.bytes(entry(name).byteRange) }
}
