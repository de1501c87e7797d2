import Foundation

/// The activation `x · Φ(x)`, Φ being the distribution function of the standard normal distribution (Hendrycks & Gimpel 2016).
enum GELU {
    static func value(_ x: Double) -> Double { x * distribution(x) }

    /// `Φ(x) + x · φ(x)`, φ being the density.
    static func derivative(_ x: Double) -> Double {
        distribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    }

    /// Written with the complement, which keeps its precision far below zero.
    private static func distribution(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
}
