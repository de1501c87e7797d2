/// How large a message may be that comes from outside.
public struct MessagePackLimits: Codable, Sendable, Equatable {
    /// Bytes of a message.
    public var bytes: Int
    /// Lists and maps inside of each other.
    public var depth: Int
    /// Values of a message, each element of a list and each key counted; they bound the memory that a message takes when it is decoded, to some
    /// hundred bytes for each.
    public var values: Int

    /// Room for several uncompressed camera images and lists of numbers, by default.
    public init(bytes: Int = 8 << 20, depth: Int = 16, values: Int = 1 << 17) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
    }
}
