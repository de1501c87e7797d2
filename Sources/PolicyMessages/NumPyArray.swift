/// A NumPy array in a message: a map with the binary keys `__ndarray__`, `data`, `dtype` and `shape`, as openpi-client packs it.
///
/// Arrays of objects, which NumPy would pickle, are refused.
struct NumPyArray: Equatable {
    let type: NumPyType
    let shape: [Int]
    /// The elements in row-major order.
    let data: [UInt8]

    /// Extents that NumPy itself supports.
    private static let mostExtents = 32

    /// An array of float32.
    init(_ values: [Float], shape: [Int]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) numbers in the shape \(shape)")
        self.shape = shape
        type = .float32
        data = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    /// An array of float64.
    init(doubles values: [Double], shape: [Int]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) numbers in the shape \(shape)")
        self.shape = shape
        type = .float64
        data = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    /// An array of bytes.
    init(bytes: [UInt8], shape: [Int]) {
        precondition(shape.reduce(1, *) == bytes.count, "\(bytes.count) bytes in the shape \(shape)")
        self.shape = shape
        type = .byte
        data = bytes
    }

    /// Whether a value says that it is an array.
    static func isArray(_ value: MessagePackValue) -> Bool { value["__ndarray__"] != nil }

    /// The array that a value describes, or that a list of numbers is.
    /// - Throws: `MessageError` when it is neither.
    init(arrayOrList value: MessagePackValue, at place: String) throws {
        if Self.isArray(value) { try self.init(value, at: place) } else { try self.init(list: value, at: place) }
    }

    /// The array that a value describes.
    /// - Parameter place: the field, for messages.
    /// - Throws: `MessageError` when type, shape and data do not belong together.
    init(_ value: MessagePackValue, at place: String) throws {
        guard case .binary(let bytes)? = value["data"] else {
            throw MessageError(
                place, expected: "an array whose data is binary", found: value["data"]?.kind ?? "no data")
        }
        guard let name = value["dtype"]?.text, let type = NumPyType(name) else {
            throw MessageError(
                place, expected: "an array of numbers: floats, integers or truth values",
                found: value["dtype"]?.text.map { "dtype \($0.legible(atMost: 40))" } ?? "no dtype",
                hint: "objects are never unpickled")
        }
        guard case .array(let extents)? = value["shape"], extents.count <= Self.mostExtents else {
            throw MessageError(place, expected: "an array with a shape", found: value["shape"]?.kind ?? "none")
        }
        var count = type.size
        let shape = try extents.map { extent in
            guard let extent = extent.wholeNumber, extent >= 0 else {
                throw MessageError(place, expected: "a shape of whole numbers", found: extent.kind)
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            count = overflow ? .max : product
            return extent
        }
        guard count == bytes.count else {
            throw MessageError(
                place, expected: "the bytes of \(shape) elements of \(type.name)", found: "\(bytes.count) bytes")
        }
        self.shape = shape
        self.type = type
        data = bytes
    }

    /// The array of a list of numbers, or of lists of them of one length: what Python's lists become.
    /// - Throws: `MessageError` when something else is in it, or the lists differ in length.
    init(list value: MessagePackValue, at place: String) throws {
        var numbers: [Double] = []
        let shape = try Self.append(value, to: &numbers, at: place)
        self.init(doubles: numbers, shape: shape)
    }

    /// Appends all numbers of a value and tells their shape.
    private static func append(
        _ value: MessagePackValue, to numbers: inout [Double], at place: String
    ) throws -> [Int] {
        if let number = value.scalar.number {
            numbers.append(number)
            return []
        }
        if isArray(value) {
            throw MessageError(
                place, expected: "numbers in a list", found: "an array", hint: "make one array of them with numpy.stack"
            )
        }
        guard case .array(let values) = value else {
            throw MessageError(place, expected: "an array or a list of numbers", found: value.kind)
        }
        var inner: [Int]?
        for value in values {
            let shape = try append(value, to: &numbers, at: place)
            guard inner == nil || inner == shape else {
                throw MessageError(place, expected: "lists of one length", found: "\(inner ?? []) and \(shape)")
            }
            inner = shape
        }
        return [values.count] + (inner ?? [])
    }

    /// The numbers, rounded to float32.
    var floats: [Float] { type.floats(in: data) }

    /// The numbers in double precision.
    var doubles: [Double] { type.doubles(in: data) }

    /// The map that describes the array.
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
    /// Whether this is a map that stands for something of NumPy, an array or a scalar.
    var isOfNumPy: Bool { NumPyArray.isArray(self) || self["__npgeneric__"] != nil }

    /// The value of a NumPy scalar, a map with the binary keys `__npgeneric__`, `data` and `dtype`; any other value is itself.
    var scalar: MessagePackValue { self["__npgeneric__"] == nil ? self : self["data"] ?? .null }
}
