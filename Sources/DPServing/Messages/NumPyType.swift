/// The element type of a NumPy array, in the notation of NumPy's array protocol: `<f4` is a little-endian float32.
struct NumPyType: Equatable {
    /// The interpretation of an element's bits.
    enum Kind: Character {
        case floating = "f"
        case signed = "i"
        case unsigned = "u"
        case boolean = "b"
    }

    let kind: Kind
    /// The size of an element in bytes.
    let size: Int
    let isBigEndian: Bool

    static let float32 = NumPyType(kind: .floating, size: 4, isBigEndian: false)
    static let float64 = NumPyType(kind: .floating, size: 8, isBigEndian: false)
    static let byte = NumPyType(kind: .unsigned, size: 1, isBigEndian: false)

    private init(kind: Kind, size: Int, isBigEndian: Bool) {
        self.kind = kind
        self.size = size
        self.isBigEndian = isBigEndian
    }

    /// Reads the name of a type; returns nil for types that are not real numbers, such as objects and complex
    /// numbers.
    init?(_ name: String) {
        // A name that came over the network may be long.
        guard name.utf8.count == 3 else { return nil }
        let parts = Array(name)
        guard parts.count == 3, "<>|=".contains(parts[0]), let kind = Kind(rawValue: parts[1]),
            let size = parts[2].wholeNumberValue
        else { return nil }
        let sizes =
            switch kind {
            case .floating: [2, 4, 8]
            case .signed, .unsigned: [1, 2, 4, 8]
            case .boolean: [1]
            }
        guard sizes.contains(size) else { return nil }
        self.init(kind: kind, size: size, isBigEndian: parts[0] == ">")
    }

    /// The name in NumPy's notation.
    var name: String { "\(size == 1 ? "|" : isBigEndian ? ">" : "<")\(kind.rawValue)\(size)" }

    /// Returns the numbers in the given bytes, rounded to float32.
    func floats(in bytes: [UInt8]) -> [Float] {
        switch (kind, size) {
        case (.floating, 2): read(bytes, as: UInt16.self) { Self.float(half: $0) }
        case (.floating, 4): read(bytes, as: UInt32.self) { Float(bitPattern: $0) }
        case (.floating, _): read(bytes, as: UInt64.self) { Float(Double(bitPattern: $0)) }
        case (.signed, 1): read(bytes, as: Int8.self) { Float($0) }
        case (.signed, 2): read(bytes, as: Int16.self) { Float($0) }
        case (.signed, 4): read(bytes, as: Int32.self) { Float($0) }
        case (.signed, _): read(bytes, as: Int64.self) { Float($0) }
        case (.unsigned, 1): bytes.map { Float($0) }
        case (.unsigned, 2): read(bytes, as: UInt16.self) { Float($0) }
        case (.unsigned, 4): read(bytes, as: UInt32.self) { Float($0) }
        case (.unsigned, _): read(bytes, as: UInt64.self) { Float($0) }
        case (.boolean, _): bytes.map { $0 == 0 ? 0 : 1 }
        }
    }

    /// Returns the numbers in the given bytes in double precision, which holds integers of up to 53 bits.
    func doubles(in bytes: [UInt8]) -> [Double] {
        switch (kind, size) {
        case (.floating, 8): read(bytes, as: UInt64.self) { Double(bitPattern: $0) }
        case (.signed, 8): read(bytes, as: Int64.self) { Double($0) }
        case (.signed, 4): read(bytes, as: Int32.self) { Double($0) }
        case (.unsigned, 8): read(bytes, as: UInt64.self) { Double($0) }
        case (.unsigned, 4): read(bytes, as: UInt32.self) { Double($0) }
        default: floats(in: bytes).map(Double.init)
        }
    }

    private func read<Word: FixedWidthInteger, Number>(
        _ bytes: [UInt8], as type: Word.Type, _ number: (Word) -> Number
    ) -> [Number] {
        bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / size).map { index in
                let word = bytes.loadUnaligned(fromByteOffset: index * size, as: Word.self)
                return number(isBigEndian ? Word(bigEndian: word) : Word(littleEndian: word))
            }
        }
    }

    /// Returns the number of a half-precision pattern (IEEE 754 binary16); `Float16` does not exist on every
    /// platform.
    private static func float(half bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10 & 0x1F), Float(bits & 0x3FF))
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
        }
    }
}
