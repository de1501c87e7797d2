/// Returns numbers derived from a name: element `i` is `base + scale · u`, with `u` uniform in `[−1, 1)` from
/// FNV-1a and SplitMix64.
package func fill(_ name: String, count: Int, base: Float = 0, scale: Float = 1) -> [Float] {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return (0..<count).map { index in
        var z = hash &+ (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z = z ^ (z >> 31)
        let unit = Float(Double(z >> 40) / 0x1p23 - 1)
        return base + scale * unit
    }
}

/// Returns the golden value of a network parameter, by its PyTorch name and shape.
package func fillParameter(_ name: String, shape: [Int]) -> [Float] {
    let count = shape.reduce(1, *)
    if shape.count >= 2 {
        return fill(name, count: count, scale: Float(1 / Double(shape.dropFirst().reduce(1, *)).squareRoot()))
    }
    return fill(name, count: count, base: name.hasSuffix("weight") ? 1 : 0, scale: 0.1)
}
