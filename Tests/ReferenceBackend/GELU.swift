import Foundation

/// The activation `x · Φ(x)`, where Φ is the distribution function of the standard normal distribution (Hendrycks &
/// Gimpel 2016).
enum GELU {
    static func value(_ x: Double) -> Double { x * distribution(x) }

    /// `Φ(x) + x · φ(x)`, where φ is the density.
    static func derivative(_ x: Double) -> Double {
        distribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    }

    /// Uses the complementary error function, which keeps its precision far below zero.
    private static func distribution(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
}
