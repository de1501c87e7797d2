package import Foundation

/// A tensor to write to a safetensors file.
package struct SafetensorsTensor: Sendable {
    /// The numbers and their element type in the file.
    package enum Values: Sendable {
        /// Stored unchanged.
        case float32([Float])
        /// Stored unchanged.
        case float64([Double])
        /// Rounded to the nearest bfloat16, ties to even.
        case bfloat16([Float])
        /// Stored unchanged.
        case int64([Int64])
        /// Stored unchanged.
        case uint8([UInt8])

        /// The number of values.
        package var count: Int {
            switch self {
            case .float32(let values), .bfloat16(let values): values.count
            case .float64(let values): values.count
            case .int64(let values): values.count
            case .uint8(let values): values.count
            }
        }

        /// The numbers in single precision, as read back from the file.
        package var stored: [Float] {
            switch self {
            case .float32(let values): values
            case .float64(let values): values.map(Float.init)
            case .bfloat16(let values): values.map { Float(bitPattern: UInt32(bfloat16Bits($0)) << 16) }
            case .int64(let values): values.map(Float.init)
            case .uint8(let values): values.map(Float.init)
            }
        }

        /// The element type in the file.
        package var elementType: ElementType {
            switch self {
            case .float32: .float32
            case .float64: .float64
            case .bfloat16: .bfloat16
            case .int64: .int64
            case .uint8: .uint8
            }
        }
    }

    /// The name, unique in the file.
    package var name: String
    /// The dimensions; empty for a single number.
    package var shape: [Int]
    /// The numbers, row-major.
    package var values: Values

    /// Creates a tensor.
    /// - Precondition: the number of values matches the shape.
    package init(_ name: String, shape: [Int], _ values: Values) {
        precondition(elementCount(shape) == values.count, "\(name): \(values.count) numbers for \(shapeText(shape))")
        self.name = name
        self.shape = shape
        self.values = values
    }
}

/// Writes safetensors files.
package enum SafetensorsWriter {
    /// Writes tensors in the given order, atomically.
    /// - Precondition: no two tensors have the same name.
    /// - Throws: `FileSystemError`; the previous file is then untouched.
    package static func write(_ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to url: URL) throws {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors of one name for \(url.path)")
        try AtomicFile.write(to: url) { sink in
            let header = try header(of: tensors, metadata: metadata)
            try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try sink.write($0) }
            try header.withUnsafeBytes { try sink.write($0) }
            for tensor in tensors {
                switch tensor.values {
                case .float32(let values): try values.withUnsafeBytes { try sink.write($0) }
                case .float64(let values): try values.withUnsafeBytes { try sink.write($0) }
                case .bfloat16(let values): try write(rounding: values, to: sink)
                case .int64(let values): try values.withUnsafeBytes { try sink.write($0) }
                case .uint8(let values): try values.withUnsafeBytes { try sink.write($0) }
                }
            }
        }
    }

    /// Returns the JSON header, padded with spaces to a multiple of eight bytes so that the tensors are aligned.
    private static func header(of tensors: [SafetensorsTensor], metadata: [String: String]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func text(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        var items: [String] = []
        if !metadata.isEmpty { items.append("\"__metadata__\":\(try text(metadata))") }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.values.count * tensor.values.elementType.byteCount
            items.append(
                "\(try text(tensor.name)):{\"dtype\":\"\(tensor.values.elementType.rawValue)\","
                    + "\"shape\":\(try text(tensor.shape)),\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var header = Data("{\(items.joined(separator: ","))}".utf8)
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        return header
    }

    private static func write(rounding values: [Float], to sink: FileSink) throws {
        for start in stride(from: 0, to: values.count, by: 1 << 16) {
            let piece = values[start..<min(start + 1 << 16, values.count)].map { bfloat16Bits($0).littleEndian }
            try piece.withUnsafeBytes { try sink.write($0) }
        }
    }
}
