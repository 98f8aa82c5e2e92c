//! Links that a machine opens before a person does.

use reqwest::{Method, StatusCode};

use crate::Backend;
use crate::scene::{Scene, seen};

pub(crate) async fn have_a_link_preview_use_a_code_up(on: Backend) {
    let scene = Scene::set(on).await;
    let fresh = scene.server.issue().await;
    for issued in [&fresh, &scene.issued] {
        let before = crate::scene::status(&scene.server, issued).await;
        let code = scene.server.scan_code(issued);
        let (typed, device_code) = (issued.user_code.dashed(), issued.device_code.expose());
        let paths = [
            format!("/Q/{code}"),
            format!("/Q/{code}.svg"),
            format!("/Q/{code}.png"),
            format!("/Q/{code}?confirm=1&status=confirmed"),
            "/D".to_owned(),
            format!("/D?user_code={typed}"),
        ];
        for path in &paths {
            for method in [Method::GET, Method::HEAD] {
                for agent in
                    ["WhatsApp/2", "facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0", "Mozilla/5.0"]
                {
                    let request = scene.server.request(method.clone(), path).header("user-agent", agent);
                    // As the PC or the phone would, which they never do.
                    for request in [request.try_clone().unwrap(), request.bearer_auth(&scene.phone)] {
                        let answer = seen(request).await;
                        assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
                        assert_eq!(answer.headers["cache-control"], "no-store");
                        assert!(!answer.headers.contains_key("set-cookie"));
                    }
                }
            }
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let request = scene.server.request(method.clone(), path).bearer_auth(device_code);
                assert_eq!(seen(request).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            }
        }
        assert_eq!(crate::scene::status(&scene.server, issued).await, before);
    }
    assert_eq!(scene.decide("confirm", &scene.phone).await.0, 200);
    scene.server.scan(&scene.phone, &fresh).await;
}

pub(crate) async fn learn_from_a_page_which_codes_are_good(on: Backend) {
    let scene = Scene::set(on).await;
    let good = scene.server.scan_code(&scene.server.issue().await);
    let scanned = scene.server.scan_code(&scene.issued);
    let unknown = "00000000000000000000000000".to_owned();
    let page = async |code: &str, ending: &str| {
        let answer = seen(scene.server.request(Method::GET, &format!("/Q/{code}{ending}"))).await;
        let body = String::from_utf8_lossy(&answer.body).replace(code, "the code");
        (answer.status, answer.headers, body)
    };
    let expected = page(&unknown, "").await;
    for code in [&good, &scanned] {
        assert_eq!(page(code, "").await, expected);
        // A picture is made of the code alone, for any code.
        for ending in [".svg", ".png"] {
            assert_eq!(page(code, ending).await.0, page(&unknown, ending).await.0);
        }
    }
}
