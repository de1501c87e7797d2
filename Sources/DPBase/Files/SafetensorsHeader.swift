import Foundation

/// The checked header of a safetensors file.
struct SafetensorsHeader {
    /// The maximum header length: enough for 100,000 tensors, and small enough to parse if the file is malicious.
    static let maximumLength = 16 << 20

    private(set) var tensors: [String: SafetensorsFile.Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    init(_ source: FileSource) throws {
        func failure(_ key: String?, expected: String, found: String) -> InputError {
            InputError(at: source.path, key: key, expected: expected, found: found)
        }
        guard source.size >= 8 else {
            throw failure(nil, expected: "a safetensors file of at least 8 bytes", found: "\(source.size) bytes")
        }
        let length = try source.bytes(0..<8).withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= Self.maximumLength, Int(length) <= source.size - 8 else {
            throw failure(
                "header",
                expected: "a safetensors header of at most \(min(source.size - 8, Self.maximumLength)) bytes",
                found: "\(length) bytes")
        }
        let start = 8 + Int(length)
        let document: [String: Item]
        do {
            document = try JSONDecoder().decode([String: Item].self, from: Data(source.bytes(8..<start)))
        } catch let error as DecodingError {
            throw failure("header", expected: "JSON with dtype, shape and data_offsets", found: error.reason)
        }

        for (name, item) in document {
            switch item {
            case .metadata(let texts):
                guard name == "__metadata__" else {
                    throw failure(name, expected: "dtype, shape and data_offsets", found: "something else")
                }
                metadata = texts
            case .tensor(let tensor):
                guard let elementType = ElementType(rawValue: tensor.dtype) else {
                    let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
                    throw failure(name, expected: "a dtype among \(known)", found: tensor.dtype)
                }
                guard tensor.offsets.count == 2, let first = tensor.offsets.first,
                    let last = tensor.offsets.last, 0 <= first, first <= last, last <= source.size - start
                else {
                    throw failure(
                        name, expected: "two data_offsets within 0...\(source.size - start), rising",
                        found: shapeText(tensor.offsets))
                }
                // Counting dimensions of 0 as 1 bounds every product of some of the dimensions.
                guard let count = elementCount(tensor.shape + [elementType.byteCount]), count == last - first,
                    elementCount(tensor.shape.map { max($0, 1) } + [elementType.byteCount]) != nil
                else {
                    throw failure(
                        name, expected: "the bytes of \(elementType.rawValue) \(shapeText(tensor.shape))",
                        found: "\(last - first) bytes")
                }
                tensors[name] = SafetensorsFile.Entry(
                    shape: tensor.shape, elementType: elementType, byteRange: start + first..<start + last)
            }
        }

        var end = start
        let inOrder = tensors.sorted {
            ($0.value.byteRange.lowerBound, $0.value.byteRange.upperBound, $0.key)
                < ($1.value.byteRange.lowerBound, $1.value.byteRange.upperBound, $1.key)
        }
        for (name, entry) in inOrder {
            guard entry.byteRange.lowerBound == end else {
                let what = entry.byteRange.lowerBound < end ? "an overlap" : "a hole"
                throw failure(
                    name, expected: "data_offsets that start at \(end - start), where the previous tensor ends",
                    found: "\(entry.byteRange.lowerBound - start), \(what)")
            }
            end = entry.byteRange.upperBound
        }
        guard end == source.size else {
            throw failure(nil, expected: "\(end) bytes, as the header says", found: "\(source.size)")
        }
    }

    /// One value of the header's JSON object.
    private enum Item: Decodable {
        case tensor(Tensor)
        case metadata([String: String])

        struct Tensor: Decodable {
            var dtype: String
            var shape: [Int]
            var offsets: [Int]

            enum CodingKeys: String, CodingKey {
                case dtype
                case shape
                case offsets = "data_offsets"
            }
        }

        init(from decoder: any Decoder) throws {
            if decoder.codingPath.last?.stringValue == "__metadata__" {
                self = .metadata(try [String: String](from: decoder))
            } else {
                self = .tensor(try Tensor(from: decoder))
            }
        }
    }
}
