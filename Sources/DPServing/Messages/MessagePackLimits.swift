/// The limits for a message from the network.
package struct MessagePackLimits: Codable, Sendable, Equatable {
    /// The size of a message in bytes.
    package var bytes: Int
    /// The depth of nested lists and maps.
    package var depth: Int
    /// The number of values in a message, including each element of a list and each key.
    ///
    /// It limits the memory of a decoded message to a few hundred bytes per value.
    package var values: Int

    /// Creates limits; by default, for several uncompressed camera images and lists of numbers.
    package init(bytes: Int = 8 << 20, depth: Int = 16, values: Int = 1 << 17) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
    }
}
