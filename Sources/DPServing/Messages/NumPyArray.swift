import DPBase

/// A NumPy array in a message: a map with the binary keys `__ndarray__`, `data`, `dtype` and `shape`, as
/// openpi-client packs it.
///
/// Arrays of objects, which NumPy would pickle, are rejected.
struct NumPyArray: Equatable {
    let type: NumPyType
    let shape: [Int]
    /// The elements in row-major order.
    let data: [UInt8]

    /// The number of extents that NumPy itself supports.
    private static let mostExtents = 32

    /// Creates an array of float32.
    init(_ values: [Float], shape: [Int]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) numbers in the shape \(shape)")
        self.shape = shape
        type = .float32
        data = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    /// Creates an array of float64.
    init(doubles values: [Double], shape: [Int]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) numbers in the shape \(shape)")
        self.shape = shape
        type = .float64
        data = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    /// Creates an array of bytes.
    init(bytes: [UInt8], shape: [Int]) {
        precondition(shape.reduce(1, *) == bytes.count, "\(bytes.count) bytes in the shape \(shape)")
        self.shape = shape
        type = .byte
        data = bytes
    }

    /// Whether a value is marked as an array.
    static func isArray(_ value: MessagePackValue) -> Bool { value["__ndarray__"] != nil }

    /// Reads an array or a list of numbers.
    /// - Throws: `InputError` when the value is neither.
    init(arrayOrList value: MessagePackValue, at place: String) throws {
        if Self.isArray(value) { try self.init(value, at: place) } else { try self.init(list: value, at: place) }
    }

    /// Reads an array.
    /// - Parameter place: the location for error messages.
    /// - Throws: `InputError` when type, shape and data do not match.
    init(_ value: MessagePackValue, at place: String) throws {
        guard case .binary(let bytes)? = value["data"] else {
            throw InputError(
                at: place, expected: "an array with binary data", found: value["data"]?.kind ?? "no data")
        }
        guard let name = value["dtype"]?.text, let type = NumPyType(name) else {
            throw InputError(
                at: place, expected: "an array of numbers: floats, integers or Booleans",
                found: value["dtype"]?.text.map { "dtype \($0.legible(atMost: 40))" } ?? "no dtype",
                hint: "objects are never unpickled")
        }
        guard case .array(let extents)? = value["shape"], extents.count <= Self.mostExtents else {
            throw InputError(at: place, expected: "an array with a shape", found: value["shape"]?.kind ?? "none")
        }
        var count = type.size
        let shape = try extents.map { extent in
            guard let extent = extent.wholeNumber, extent >= 0 else {
                throw InputError(at: place, expected: "a shape of whole numbers", found: extent.kind)
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            count = overflow ? .max : product
            return extent
        }
        guard count == bytes.count else {
            throw InputError(
                at: place, expected: "the bytes of \(shape) elements of \(type.name)", found: "\(bytes.count) bytes")
        }
        self.shape = shape
        self.type = type
        data = bytes
    }

    /// Reads a list of numbers, or nested lists of equal length, as Python's lists are sent.
    /// - Throws: `InputError` when the list holds other values or its lists differ in length.
    init(list value: MessagePackValue, at place: String) throws {
        var numbers: [Double] = []
        let shape = try Self.append(value, to: &numbers, at: place)
        self.init(doubles: numbers, shape: shape)
    }

    /// Appends all numbers of a value and returns their shape.
    private static func append(
        _ value: MessagePackValue, to numbers: inout [Double], at place: String
    ) throws -> [Int] {
        if let number = value.scalar.number {
            numbers.append(number)
            return []
        }
        if isArray(value) {
            throw InputError(
                at: place, expected: "numbers in a list", found: "an array",
                hint: "make one array of them with numpy.stack"
            )
        }
        guard case .array(let values) = value else {
            throw InputError(at: place, expected: "an array or a list of numbers", found: value.kind)
        }
        var inner: [Int]?
        for value in values {
            let shape = try append(value, to: &numbers, at: place)
            guard inner == nil || inner == shape else {
                throw InputError(at: place, expected: "lists of one length", found: "\(inner ?? []) and \(shape)")
            }
            inner = shape
        }
        return [values.count] + (inner ?? [])
    }

    /// The numbers, rounded to float32.
    var floats: [Float] { type.floats(in: data) }

    /// The numbers in double precision.
    var doubles: [Double] { type.doubles(in: data) }

    /// The message value of the array.
    var value: MessagePackValue {
        .map([
            .init(.binary(Array("__ndarray__".utf8)), .boolean(true)),
            .init(.binary(Array("data".utf8)), .binary(data)),
            .init(.binary(Array("dtype".utf8)), .string(type.name)),
            .init(.binary(Array("shape".utf8)), .array(shape.map { .integer($0) })),
        ])
    }
}

extension MessagePackValue {
    /// Whether this is a map that represents a NumPy array or scalar.
    var isOfNumPy: Bool { NumPyArray.isArray(self) || self["__npgeneric__"] != nil }

    /// The value of a NumPy scalar, a map with the binary keys `__npgeneric__`, `data` and `dtype`; for any other
    /// value, the value itself.
    var scalar: MessagePackValue { self["__npgeneric__"] == nil ? self : self["data"] ?? .null }
}
